// All that a run has measured, as `--json` writes it: enough to make the tables and the plots again.

import type { ScenarioResult } from './report.js';
import type { Settings } from './scenario.js';

export interface Run {
  readonly command: string;
  /** By what they are versions of; and the machine, and the date. */
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Settings;
  readonly results: readonly ScenarioResult[];
  /** The lines of the verdict. */
  readonly verdict: readonly string[];
}
