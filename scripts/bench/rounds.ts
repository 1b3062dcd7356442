// The rounds of the scenarios, and the servers that they run against.
//
// Rounds are interleaved: every target runs in every round, and every other round takes them in the opposite order, so that a change
// of the machine's speed affects all of them. A server is started when it is first needed and stays up until no later scenario
// needs it, except in scenarios that need a fresh one.

import { isGone, stopChild } from './children.js';
import type { BenchOptions } from './options.js';
import { needOf, type Part, roundsOf } from './parts.js';
import type { Peers } from './peers.js';
import type { Progress } from './progress.js';
import type { ScenarioResult } from './report.js';
import type { Result, Scenario } from './scenario.js';
import { warmUp } from './scenarios.js';
import { start } from './start.js';
import type { Server, Target } from './targets.js';

interface Entry {
  readonly target: Target;
  readonly result: Result;
}

export class Rounds {
  readonly #options: BenchOptions;
  readonly #peers: Peers;
  readonly #progress: Progress;
  readonly #servers = new Map<string, Promise<Server>>();

  constructor(options: BenchOptions, peers: Peers, progress: Progress) {
    this.#options = options;
    this.#peers = peers;
    this.#progress = progress;
  }

  /** All rounds of one part. A target that fails is given up for this scenario; the others go on. */
  async run({ scenario, targets }: Part): Promise<ScenarioResult> {
    const entries = targets.map((target) => ({ target, result: resultOf(target) }));
    const rounds = roundsOf(scenario, this.#options);
    for (let round = 0; round < rounds; round += 1) {
      const inTurn = round % 2 === 0 ? entries : entries.toReversed();
      for (const entry of inTurn) {
        if (!entry.result.failure) await this.#round(scenario, entry, round);
        this.#progress.roundEnded(scenario, entry.target, round);
      }
    }
    return { scenario: scenario.name, results: entries.map(({ result }) => result) };
  }

  async #round(scenario: Scenario, { target, result }: Entry, round: number): Promise<void> {
    try {
      const server = await this.#serverOf(target, scenario);
      if (round === 0) await warmUp(scenario, server, this.#options);
      const figures = await scenario.run(server, this.#options);
      if (isGone(server.child)) throw new Error('the server ended during the round');
      result.rounds.push(figures);
      if (scenario.freshServer) await stopChild(server.child);
    } catch (error) {
      result.failure = error instanceof Error ? error.message : String(error);
    }
  }

  #serverOf(target: Target, scenario: Scenario): Promise<Server> {
    const { key, setup, workers } = needOf(target, scenario);
    const startIt = () => start({ ...target, workers }, setup, this.#peers);
    if (scenario.freshServer) return startIt();
    const running = this.#servers.get(key) ?? startIt();
    this.#servers.set(key, running);
    return running;
  }

  /** Stops the servers that none of the parts needs. */
  async keepFor(parts: readonly Part[]): Promise<void> {
    const needed = new Set(
      parts.flatMap(({ scenario, targets }) => targets.map((target) => needOf(target, scenario).key)),
    );
    for (const [key, server] of this.#servers) {
      if (needed.has(key)) continue;
      this.#servers.delete(key);
      // One that did not start was reported with its scenario.
      const started = await server.catch(() => undefined);
      if (started) await stopChild(started.child);
    }
  }
}

function resultOf({ name, kind, strategy }: Target): Result {
  return { target: name, kind: strategy ?? kind, rounds: [] };
}
