// Writes the plots of a run.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../run.js';
import { SCENARIOS } from '../scenarios.js';
import { figure } from './figure.js';

/** A file SCENARIO.svg for each scenario in which anything was measured. */
export function drawPlots(run: Run, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const result of run.results) {
    const scenario = SCENARIOS.find(({ name }) => name === result.scenario);
    if (scenario === undefined || result.results.every(({ rounds }) => rounds.length === 0)) continue;
    writeFileSync(join(folder, `${scenario.name}.svg`), figure(scenario, result, run));
  }
}
