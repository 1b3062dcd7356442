/**
 * The thread of one test file under one set of classes: a window as far as the tests need one, the suite's testharness.js,
 * and the file. Sends the results once, as a list.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { installClasses } from '../suites/classes.js';
import type { Task, TestResult } from './messages.js';
import { STAND_INS } from './stand-ins.js';

/** A file that takes longer has tests that wait for ever; those that it has finished count. */
const FILE_TIMEOUT_MS = 60_000;
/** The test of a file that it neither throws nor leaves a rejection unhandled outside of its tests. */
const NO_ERROR = '(no error outside of tests)';

/** What testharness.js adds to the global object, as far as it is needed here. */
interface Harness {
  add_completion_callback(completed: (tests: readonly HarnessTest[]) => void): void;
  /** Ends the tests that have not finished. */
  timeout(): void;
}
interface HarnessTest {
  readonly name: string;
  readonly status: number;
  readonly message: string | null;
  readonly PASS: number;
}

const { folder, origin, classes, file, scripts } = workerData as Task;

/** Makes the global object a window's, and relative URLs relative to the file's page. */
function becomeWindow(): void {
  const location = new URL(file.replace(/\.js$/, '.html'), `${origin}/`);
  const properties = {
    self: globalThis,
    location,
    Window: Object.getPrototypeOf(globalThis).constructor,
    GLOBAL: { isWindow: () => true, isWorker: () => false, isShadowRealm: () => false },
    // undici's base URL, which Node.js offers no function for.
    [Symbol.for('undici.globalOrigin.1')]: location,
  };
  for (const key of Reflect.ownKeys(properties)) {
    const value: unknown = Reflect.get(properties, key);
    Object.defineProperty(globalThis, key, { value, writable: true, enumerable: false, configurable: true });
  }
}

function load(script: string): void {
  const source = STAND_INS[script] ?? readFileSync(join(folder, script), 'utf8');
  runInThisContext(source, { filename: script });
}

function resultsOf(tests: readonly HarnessTest[], errors: readonly unknown[]): TestResult[] {
  const names = new Map<string, number>();
  const results = tests.map(({ name, status, message, PASS }) => {
    const times = (names.get(name) ?? 0) + 1;
    names.set(name, times);
    const distinct = times === 1 ? name : `${name} (${times})`;
    return { name: distinct, passed: status === PASS, message: message ?? 'has not ended' };
  });
  return [
    ...results,
    { name: NO_ERROR, passed: errors.length === 0, message: errors.map(String).join('; ') },
  ];
}

await installClasses(classes);
becomeWindow();
const errors: unknown[] = [];
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => errors.push(error));
}
load('resources/testharness.js');
const harness = globalThis as unknown as Harness;
const timer = setTimeout(() => harness.timeout(), FILE_TIMEOUT_MS);
harness.add_completion_callback((tests) => {
  clearTimeout(timer);
  // Rejections are reported after the microtasks of the last test.
  setImmediate(() => parentPort!.postMessage(resultsOf(tests, errors)));
});
for (const script of [...scripts, file]) load(script);
