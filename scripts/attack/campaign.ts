/** One campaign, chosen by a seed: a process with its server, some rounds of attacks, and its orderly end. */
import { hasOwnSets } from '../../lib/observe/model.js';
import { DESCRIPTIONS, type StrategyName } from '../../lib/strategies/descriptions.js';
import { HostileUpstream } from '../../spec/support/proxies/hostile-upstream.js';
import { oneOf, randomOf } from '../../spec/support/random.js';
import { Client } from '../../spec/support/server/http-client.js';
import { askEveryThread, askThreadsInTurn, awaitNoViolations, leftovers } from '../campaign/invariants.js';
import type { Ports, Setup, Status } from './messages.js';
import { planRound, type RoundResult, runRound } from './round.js';
import { type Costs, TargetProcess } from './target-process.js';

const MIB = 1024 * 1024;
/** How many threads run handlers. */
const MAX_HANDLERS = 5;
const ROUNDS = 4;
/** How much memory a round may take: the pool's 64 MiB, the content of its clients, buffers of sockets, garbage. */
const MAX_PEAK_BYTES = 448 * MIB;
/** How much a process may grow after its second round: compiled code, heaps that stay large, pages of the pool. */
const MAX_GROWTH_BYTES = 256 * MIB;
/** Threads that libuv and V8 start only when they first need them. */
const LATE_THREADS = 4;
/** For a health check, and a bystander's answer. The kernel repeats a dropped SYN after 1 s, then 2 s. */
const MAX_CHECK_MS = 5000;
const MAX_ANSWER_MS = 10_000;
/** How long violations may take to disappear: longer than the timeouts of the server. */
const SETTLE_MS = 20_000;

/** The totals of a campaign. */
export interface Tally {
  readonly rounds: number;
  readonly verified: number;
  readonly checks: number;
  readonly maxCheckMs: number;
  readonly maxAnswerMs: number;
  readonly peakBytes: number;
  readonly blocksPeak: number;
  /** How often each attack was carried out. */
  readonly attacks: Readonly<Record<string, number>>;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly strategy: StrategyName;
  /** Names of attacks; all of them where it is empty. */
  readonly only: readonly string[];
}

/** @throws with everything that is known about a failure */
export async function campaign({ seed, strategy, only }: CampaignOptions): Promise<Tally> {
  const random = randomOf(seed);
  const { ioThreads, maxThreads } = DESCRIPTIONS[strategy];
  await using upstream = await HostileUpstream.start();
  const setup: Setup = {
    // Ports stay in TIME_WAIT after a campaign; the next one uses another address, so that there are always enough.
    host: `127.0.0.${2 + (seed % 250)}`,
    strategy,
    threads: Math.min(1 + random(MAX_HANDLERS) + ioThreads, maxThreads),
    // Long enough for bystanders on a busy machine, short enough for some attackers to run into them.
    headersTimeout: oneOf(random, [2000, 60_000]),
    requestTimeout: oneOf(random, [3000, 60_000]),
    sendTimeout: oneOf(random, [2000, 60_000]),
  };
  const plans: string[][] = [];
  const { process, ports } = await TargetProcess.start(setup, upstream.url);
  try {
    const state = { setup, ports, process, upstream, random, plans, only };
    const tally = await rounds(seed, state);
    await process.close();
    return tally;
  } catch (error) {
    const report = [
      (error as Error).message,
      `setup: ${JSON.stringify(setup)}`,
      ...plans.map((plan, round) => `round ${round}: ${plan.join(', ')}`),
    ];
    throw new Error(report.join('\n'), { cause: error });
  } finally {
    await process.kill();
  }
}

interface CampaignState {
  readonly setup: Setup;
  readonly ports: Ports;
  readonly process: TargetProcess;
  readonly upstream: HostileUpstream;
  readonly random: ReturnType<typeof randomOf>;
  readonly plans: string[][];
  readonly only: readonly string[];
}

async function rounds(seed: number, state: CampaignState): Promise<Tally> {
  const { setup, ports, process, upstream, random, plans, only } = state;
  const results: RoundResult[] = [];
  let before: Costs | null = null;
  let settledBytes = 0;
  let peakBytes = 0;
  let blocksPeak = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const plan = planRound(random, round === 0, only);
    plans.push(plan);
    process.forgetPeak();
    const { residentBytes } = process.costs();
    const target = { ...ports, host: setup.host, seed: seed * ROUNDS + round };
    const result = await runRound(target, random, plan, round === 0);
    results.push(result);
    const peak = process.costs().peakBytes - residentBytes;
    peakBytes = Math.max(peakBytes, peak);
    // The app's connections to the upstream are not the server's, and must not count as left behind.
    upstream.drop();
    const wrong = [...result.wrong.slice(0, 20), ...excesses(result, peak)];
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
    await awaitInvariants(process, before);
    await meetEveryThread(state, round);
    const status = await awaitInvariants(process, before);
    blocksPeak = status.blocksPeak;
    const costs = process.costs();
    // In the first round the process opens what it keeps; in the second one its caches fill.
    before ??= costs;
    if (round <= 1) settledBytes = costs.residentBytes;
    const growth = costs.residentBytes - settledBytes;
    if (growth > MAX_GROWTH_BYTES) throw new Error(`the process grew by ${mib(growth)}`);
  }
  return { ...sums(results), rounds: ROUNDS, peakBytes, blocksPeak };
}

/** The bounds that the round has exceeded. */
function excesses({ maxCheckMs, maxAnswerMs, checks, verified }: RoundResult, peak: number): string[] {
  const wrong = [];
  if (maxCheckMs > MAX_CHECK_MS) wrong.push(`a health check took ${Math.round(maxCheckMs)} ms`);
  if (maxAnswerMs > MAX_ANSWER_MS) wrong.push(`a bystander waited ${Math.round(maxAnswerMs)} ms`);
  if (checks === 0 || verified === 0)
    wrong.push(`${checks} health checks and ${verified} bystanders were answered`);
  if (peak > MAX_PEAK_BYTES) wrong.push(`the process took ${mib(peak)} more while the round went on`);
  return wrong;
}

function sums(results: readonly RoundResult[]): Omit<Tally, 'rounds' | 'peakBytes' | 'blocksPeak'> {
  const attacks: Record<string, number> = {};
  for (const name of results.flatMap((result) => result.attacks)) attacks[name] = (attacks[name] ?? 0) + 1;
  return {
    verified: results.reduce((sum, { verified }) => sum + verified, 0),
    checks: results.reduce((sum, { checks }) => sum + checks, 0),
    maxCheckMs: Math.max(...results.map(({ maxCheckMs }) => maxCheckMs)),
    maxAnswerMs: Math.max(...results.map(({ maxAnswerMs }) => maxAnswerMs)),
    attacks,
  };
}

/** Resolves once the attackers have left nothing behind. @throws with what remains */
function awaitInvariants(process: TargetProcess, before: Costs | null): Promise<Status> {
  return awaitNoViolations(
    () => process.status(),
    (status) => left(status, process.costs(), before),
    SETTLE_MS,
  );
}

function left(status: Status, costs: Costs, before: Costs | null): string[] {
  const { deaths, violations } = status;
  const wrong = [...violations, ...leftovers(status)];
  if (deaths !== 0) wrong.push(`${deaths} threads have died`);
  if (before !== null && costs.descriptors > before.descriptors)
    wrong.push(`${costs.descriptors} descriptors are open, and ${before.descriptors} were before`);
  if (before !== null && costs.systemThreads > before.systemThreads + LATE_THREADS)
    wrong.push(`${costs.systemThreads} threads of the system, and ${before.systemThreads} before`);
  return wrong;
}

function meetEveryThread({ setup, ports }: CampaignState, round: number): Promise<void> {
  const { host, strategy } = setup;
  const handlers = setup.threads - DESCRIPTIONS[strategy].ioThreads;
  const connect = () => Client.connect({ host, port: ports.server, localAddress: host });
  const meet = async (client: Client, barrier: number, count: number): Promise<string> =>
    (await client.get(`/meet?barrier=${barrier}&count=${count}`)).text;
  if (!hasOwnSets(strategy))
    return askEveryThread('the server', handlers, connect, (client) => meet(client, round, handlers));
  // A barrier that one arrives at lets everybody pass.
  return askThreadsInTurn('the server', handlers, connect, (client) => meet(client, round, 1));
}

export const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
