/** One round: random attacks, all at once, beside a probe. */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { oneOf } from '../../spec/support/random.js';
import { bounded } from '../../spec/support/server/wait.js';
import * as checked from './checked.js';
import { AttackContext } from './context.js';
import * as floods from './floods.js';
import type { ProbeReport, ProbeTarget } from './messages.js';

type Attack = (context: AttackContext) => Promise<void>;

const FLOODS: Readonly<Record<string, Attack>> = { ...floods };
const CHECKED: Readonly<Record<string, Attack>> = { ...checked };

/** All attacks, by name. */
export const ATTACKS: Readonly<Record<string, Attack>> = { ...FLOODS, ...CHECKED };

/** When attacks without an end of their own are stopped, and when the last one must have ended. */
const ROUND_MS = 1500;
const END_MS = 60_000;
const MAX_ATTACKS = 4;
/** How many of the probe's violations are reported; the rest is mostly the same. */
const MAX_PROBE_VIOLATIONS = 8;
const PROBE = new URL('./probe.js', import.meta.url);

export interface RoundResult extends ProbeReport {
  readonly attacks: readonly string[];
}

/** Chooses the attacks of a round: in the first round every checked attack, later a few of all. */
export function planRound(
  random: AttackContext['random'],
  isFirst: boolean,
  only: readonly string[],
): string[] {
  const names = Object.keys(ATTACKS).filter((name) => only.length === 0 || only.includes(name));
  if (isFirst) return names.filter((name) => name in CHECKED);
  // Each at most once: the bounds are those of one attack of a kind.
  return [...new Set(Array.from({ length: 1 + random(MAX_ATTACKS) }, () => oneOf(random, names)))];
}

/** Runs the attacks of a plan, one after the other or all at once. Resolves once all of their connections are destroyed. */
export async function runRound(
  target: ProbeTarget,
  random: AttackContext['random'],
  plan: readonly string[],
  inTurn: boolean,
): Promise<RoundResult> {
  const over = new AbortController();
  const context = new AttackContext(target.host, target, random, over.signal);
  const probe = await Probe.start(target);
  try {
    const timer = setTimeout(() => over.abort(), ROUND_MS);
    if (inTurn) for (const name of plan) await carryOut(context, name);
    else await Promise.all(plan.map((name) => carryOut(context, name)));
    clearTimeout(timer);
    context.clear();
    // The server cleans up behind the attackers while the probe still runs.
    await delay(50);
    const report = await probe.end();
    return {
      ...report,
      attacks: plan,
      wrong: [...context.wrong, ...report.wrong.slice(0, MAX_PROBE_VIOLATIONS)],
    };
  } finally {
    context.clear();
    await probe.kill();
  }
}

async function carryOut(context: AttackContext, name: string): Promise<void> {
  try {
    await bounded(ATTACKS[name]!(context), END_MS, `no end of ${name}`);
  } catch (error) {
    context.wrong.push(`${name}: ${(error as Error).stack}`);
  }
}

/** The campaign's side of probe.ts. */
class Probe {
  readonly #worker: Worker;
  readonly #failed: Promise<never>;

  private constructor(target: ProbeTarget) {
    this.#worker = new Worker(PROBE, { workerData: target });
    this.#failed = new Promise((_resolve, reject) => this.#worker.once('error', reject));
    this.#failed.catch(() => {});
  }

  static async start(target: ProbeTarget): Promise<Probe> {
    const probe = new Probe(target);
    await probe.#message();
    return probe;
  }

  async end(): Promise<ProbeReport> {
    this.#worker.postMessage('over');
    return (await this.#message()) as ProbeReport;
  }

  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  #message(): Promise<unknown> {
    const message = new Promise((resolve) => this.#worker.once('message', resolve));
    return bounded(Promise.race([message, this.#failed]), END_MS, 'the probe does not answer');
  }
}
