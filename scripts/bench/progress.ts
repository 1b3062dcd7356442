// How far a run is, and about how long it will still take: on standard error, so that the report itself can be kept.

import type { BenchOptions } from './options.js';
import { needOf, type Part, roundsOf } from './parts.js';
import type { Scenario } from './scenario.js';
import type { Target } from './targets.js';

/** A server's start until it has settled. */
const START_SECONDS = 1.6;
/** A round's share beyond the measuring: starting a client, reading the server's use. */
const ROUND_SECONDS = 0.15;

export class Progress {
  readonly #options: BenchOptions;
  readonly #parts: readonly Part[];
  readonly #startMs = performance.now();
  /** What was expected of the rounds that are over, in seconds. */
  #done = 0;
  readonly #total: number;
  readonly #started = new Set<string>();
  #shown: Scenario | undefined;

  constructor(parts: readonly Part[], options: BenchOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#total = expectedSeconds(parts, options);
  }

  /** How long all of it is expected to take, in seconds. */
  get totalSeconds(): number {
    return this.#total;
  }

  /** Counts a round of a target, whether or not it succeeded, and shows where the run is. */
  roundEnded(scenario: Scenario, target: Target, round: number): void {
    this.#done += expectedOfRound(scenario, target, round, this.#options, this.#started);
    const index = this.#parts.findIndex((part) => part.scenario === scenario);
    const rounds = roundsOf(scenario, this.#options);
    const where = `${index + 1} of ${this.#parts.length}: ${scenario.name}, round ${round + 1} of ${rounds}, ${target.name}`;
    // A file of the output has a line for each scenario, no more.
    if (process.stderr.isTTY || this.#shown !== scenario)
      this.#show(`${where}; ${inWords(this.secondsLeft)} left`);
    this.#shown = scenario;
  }

  /** By the expectations, corrected by how long the rounds until now have taken. */
  get secondsLeft(): number {
    const passed = (performance.now() - this.#startMs) / 1000;
    const pace = this.#done > 0 ? passed / this.#done : 1;
    return Math.max(this.#total - this.#done, 0) * pace;
  }

  /** Makes room for the report. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  #show(line: string): void {
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }
}

/** About how long the parts take, in seconds. */
export function expectedSeconds(parts: readonly Part[], options: BenchOptions): number {
  const started = new Set<string>();
  let seconds = 0;
  for (const { scenario, targets } of parts) {
    for (let round = 0; round < roundsOf(scenario, options); round += 1) {
      for (const target of targets) seconds += expectedOfRound(scenario, target, round, options, started);
    }
  }
  return seconds;
}

function expectedOfRound(
  scenario: Scenario,
  target: Target,
  round: number,
  options: BenchOptions,
  started: Set<string>,
): number {
  const secondsOf = scenario.roundSeconds ?? (({ seconds }) => seconds);
  const { key } = needOf(target, scenario);
  const starts = scenario.freshServer === true || !started.has(key);
  started.add(key);
  const warmUp =
    round === 0 && scenario.warmsUp ? secondsOf({ ...options, seconds: options.warmUpSeconds }) : 0;
  return (starts ? START_SECONDS : 0) + warmUp + secondsOf(options) + ROUND_SECONDS;
}

/** A duration that nobody should take for exact. */
export function inWords(seconds: number): string {
  return seconds < 90 ? `about ${Math.ceil(seconds / 10) * 10} s` : `about ${Math.round(seconds / 60)} min`;
}
