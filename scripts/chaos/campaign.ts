/** One campaign, chosen by a seed: a process with its servers, some rounds, and its orderly end. */
import { setTimeout as delay } from 'node:timers/promises';
import { hasOwnSets } from '../../lib/observe/model.js';
import { DESCRIPTIONS, type StrategyName } from '../../lib/strategies/descriptions.js';
import { oneOf, randomOf } from '../../spec/support/random.js';
import { Site } from '../../spec/support/static/site.js';
import { meetEveryThread } from './clients.js';
import { content } from './content.js';
import { ChaosContext, type Group } from './context.js';
import { FILE_BYTES, FILES } from './exchanges.js';
import { awaitInvariants, summary } from './invariants.js';
import type { Setup, Status } from './messages.js';
import { type Plan, planRound, runRound, stepSequence } from './round.js';
import { STEPS } from './steps.js';
import { TargetProcess } from './target-process.js';

const ROUNDS = 4;
/** How many threads of a server run handlers. */
const MAX_HANDLERS = 5;
/** The drain time of the servers, which have no connections left. */
const DRAIN_MS = 2000;
/** How long a process may take to die and report why. */
const DYING_MS = 3000;
/** How much a process may grow after its first two rounds: heaps of replaced threads, fragmentation, compiled code. */
const MAX_GROWTH_BYTES = 400 * 1024 * 1024;

/** The totals of a campaign. */
export interface Tally {
  readonly rounds: number;
  readonly verified: number;
  readonly deaths: number;
  readonly cuts: number;
  /** Threads that died at each step, and which steps any thread passed. */
  readonly stepDeaths: readonly number[];
  readonly passed: readonly boolean[];
}

export interface CampaignOptions {
  readonly seed: number;
  readonly strategy: StrategyName;
  /** Of each server; random where it is undefined. */
  readonly threads: number | undefined;
  readonly groups: ReadonlySet<Group>;
}

/** @throws with everything that is known about a failure */
export async function campaign({ seed, strategy, threads, groups }: CampaignOptions): Promise<Tally> {
  const random = randomOf(seed);
  using site = new Site(Object.fromEntries(FILES.map((file) => [`${file}.bin`, content(file, FILE_BYTES)])));
  const { ioThreads, minThreads, maxThreads } = DESCRIPTIONS[strategy];
  const chosen = threads ?? 1 + random(MAX_HANDLERS) + ioThreads;
  const setup: Setup = {
    // Ports stay in TIME_WAIT after a campaign; the next one uses another address, so that there are always enough.
    host: `127.0.0.${2 + (seed % 250)}`,
    strategy,
    threads: Math.max(minThreads, Math.min(chosen, maxThreads)),
    root: site.root,
    handled: random(2) === 0,
    errorHandler: random(2) === 0,
    blocking: seed % 2 === 1,
    transitions: random(2) === 0,
    options: {
      dashboard: random(2) === 0 ? { port: 0 } : false,
      // Long enough that no well-behaved client ever runs into them.
      keepAliveTimeout: 30_000,
      headersTimeout: oneOf(random, [5000, 30_000]),
      sendTimeout: oneOf(random, [5000, 30_000]),
      // With 16, accepting is suspended and resumed all the time.
      maxConnections: oneOf(random, [16_384, 16_384, 16]),
    },
  };
  const { process, ports } = await TargetProcess.start(setup);
  const context = new ChaosContext(
    setup.host,
    ports,
    setup.threads - ioThreads,
    !hasOwnSets(strategy),
    setup.handled,
    groups,
    random,
  );
  const plans: Plan[] = [];
  try {
    return await Promise.race([process.died, rounds(setup, seed, context, process, plans)]);
  } catch (error) {
    const report = [
      // Clients notice the death of the process first, so it comes with a little delay.
      await Promise.race([process.died.catch(({ message }: Error) => message), delay(DYING_MS, '')]),
      (error as Error).message,
      ...context.wrong.slice(0, 10),
      `setup: ${JSON.stringify(setup)}`,
      ...plans.map((plan, round) => `round ${round}: ${JSON.stringify(plan)}`),
      ...(await finalStatus(context, process)),
    ];
    throw new Error(report.filter((line) => line !== '').join('\n'), { cause: error });
  } finally {
    await process.kill();
  }
}

async function rounds(
  { strategy }: Setup,
  seed: number,
  context: ChaosContext,
  process: TargetProcess,
  plans: Plan[],
): Promise<Tally> {
  let before: Status['descriptors'] | null = null;
  let residentBytes = 0;
  const sequence = stepSequence(seed, strategy);
  let status: Status | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const plan = planRound(context, round === 0, sequence);
    plans.push(plan);
    await runRound(context, process, plan);
    if (context.wrong.length > 0) throw new Error('clients got wrong answers:');
    await awaitInvariants(context, process, before);
    await meetEveryThread(context);
    status = await awaitInvariants(context, process, before);
    // The first round is calm: the process opens everything that it keeps.
    before ??= status.descriptors;
    if (round <= 1) residentBytes = status.residentBytes;
    const growth = status.residentBytes - residentBytes;
    if (growth > MAX_GROWTH_BYTES)
      throw new Error(`the process grew by ${growth >> 20} MiB in ${round} rounds`);
  }
  await process.close(DRAIN_MS);
  const { web, tcp } = context.tallies;
  const { stepDeaths, passed, servers } = status!;
  return {
    rounds: plans.length,
    verified: web.verified + tcp.verified,
    deaths: servers.web.deaths + servers.tcp.deaths,
    cuts: web.cuts + tcp.cuts,
    stepDeaths,
    passed,
  };
}

async function finalStatus(context: ChaosContext, process: TargetProcess): Promise<string[]> {
  try {
    const status = await process.status();
    const died = status.stepDeaths.flatMap((count, step) => (count > 0 ? [`${STEPS[step]} (${count})`] : []));
    return [
      summary(context, 'web', status),
      summary(context, 'tcp', status),
      `threads died ${died.join(', ') || 'at no step'}; ${status.terminated} were terminated`,
      'the log ends with:',
      ...status.log,
    ];
  } catch {
    return ['the process does not answer any more'];
  }
}
