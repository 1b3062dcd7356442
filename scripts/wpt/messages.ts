/** What the main thread and the thread of a test file tell each other. */
import type { Classes } from '../suites/classes.js';

export interface Task {
  /** The suite's folder. */
  readonly folder: string;
  readonly origin: string;
  readonly classes: Classes;
  readonly file: string;
  readonly scripts: readonly string[];
}

export interface TestResult {
  readonly name: string;
  readonly passed: boolean;
  /** What a failed one says. */
  readonly message: string;
}
