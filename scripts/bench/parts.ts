// What a run consists of: scenarios with their targets, and what each needs.

import type { BenchOptions } from './options.js';
import type { Scenario } from './scenario.js';
import { OWN_SETUPS, type Setup } from './setups.js';
import type { Extent, Target } from './targets.js';

/** A scenario with the targets that it is measured with. */
export interface Part {
  readonly scenario: Scenario;
  readonly targets: readonly Target[];
}

const ROUNDS: Readonly<Record<Extent, number>> = { quick: 2, main: 3, full: 3 };

/** How many rounds a scenario has: those that are named, its own, or those of the extent. */
export function roundsOf({ ownRounds, maxRounds }: Scenario, { rounds, extent }: BenchOptions): number {
  const wanted = rounds ?? Math.min(ownRounds ?? ROUNDS[extent], ROUNDS[extent]);
  return Math.min(wanted, maxRounds ?? wanted);
}

/** What a scenario needs of a target: the same key, the same server. */
export function needOf(target: Target, scenario: Scenario): { key: string; setup: Setup; workers: number } {
  const isPaceline = target.kind === 'paceline';
  const workers = (isPaceline ? scenario.threads : undefined) ?? target.workers;
  const wanted = scenario.setup ?? 'handler';
  const setup = !isPaceline && OWN_SETUPS.includes(wanted) ? 'handler' : wanted;
  return { key: `${target.strategy ?? target.kind}-${workers}-${setup}`, setup, workers };
}
