/** One round: randomly chosen participants, all at once, while threads are killed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { StrategyName } from '../../lib/strategies/descriptions.js';
import { oneOf } from '../../spec/support/random.js';
import { range } from '../../spec/support/server/wait.js';
import { slowReader, tcpClient, webClient } from './clients.js';
import type { ChaosContext, Group } from './context.js';
import {
  besideFloods,
  besideOwnWork,
  leaver,
  silentLeaver,
  tcpFault,
  webFault,
} from './disruptive-clients.js';
import { STEPS, stepsOf } from './steps.js';
import type { TargetProcess } from './target-process.js';

/** What a round stresses; the first one is calm. */
const PROFILES = ['faults', 'deaths', 'deaths', 'everything', 'everything', 'hogging'] as const;
type Profile = 'calm' | (typeof PROFILES)[number];

/** How often a step is passed until a thread dies there: the first time for rare steps, later for frequent ones. */
const COUNTS = [1, 1, 20, 300];
const MAX_STEPS = 5;
const MAX_TERMINATIONS = 3;
/** About how many steps a campaign takes of the sequence; and a stride that visits every step, and neighbours in different rounds. */
const STEPS_PER_CAMPAIGN = 7;
const STRIDE = 37;
/** Terminations happen within this time from the beginning of a round. */
const TERMINATIONS_MS = 400;

/** What a round consisted of, for the report. */
export interface Plan {
  readonly profile: Profile;
  readonly participants: Readonly<Record<string, number>>;
  /** By name, and at which pass a thread dies. */
  readonly steps: readonly (readonly [string, number])[];
  readonly terminations: number;
}

type Participant = (context: ChaosContext) => Promise<void>;

const PARTICIPANTS: Readonly<Record<string, { group?: Group; run: Participant }>> = {
  webClients: { run: webClient },
  tcpClients: { run: tcpClient },
  slowReaders: { run: slowReader },
  leavers: { group: 'leavers', run: leaver },
  silentLeavers: { group: 'silent', run: silentLeaver },
  webFaults: { group: 'faults', run: webFault },
  tcpFaults: { group: 'tcp-faults', run: tcpFault },
  ownWork: { group: 'own-work', run: besideOwnWork },
  floods: { group: 'floods', run: besideFloods },
};

/**
 * Plans a round.
 *
 * @param sequence the steps, in the order in which campaigns take them
 */
export function planRound(context: ChaosContext, calm: boolean, sequence: Iterator<string, never>): Plan {
  const { random, groups } = context;
  const profile = calm ? 'calm' : oneOf(random, PROFILES);
  const faults = profile === 'faults' || profile === 'everything';
  const deaths = profile === 'deaths' || profile === 'everything';
  const counts: Record<string, number> = {
    webClients: 3 + random(6),
    tcpClients: 2 + random(4),
    slowReaders: random(2),
    leavers: random(20),
    silentLeavers: calm ? 0 : random(4),
    webFaults: faults ? 3 + random(12) : 0,
    tcpFaults: faults ? random(8) : 0,
    ownWork: profile === 'hogging' ? random(2) : 0,
    floods: profile === 'hogging' ? random(2) : 0,
  };
  const steps = range(deaths ? 1 + random(MAX_STEPS) : 0).map(
    () => [sequence.next().value, 1 + random(oneOf(random, COUNTS))] as const,
  );
  const terminations = deaths ? random(MAX_TERMINATIONS + 1) : 0;
  for (const [name, { group }] of Object.entries(PARTICIPANTS))
    if (group !== undefined && !groups.has(group)) counts[name] = 0;
  return {
    profile,
    participants: counts,
    steps: groups.has('steps') ? steps : [],
    terminations: groups.has('terminations') ? terminations : 0,
  };
}

/** All steps of a model, over and over, from about where the campaigns of the seeds before have ended. */
export function* stepSequence(seed: number, strategy: StrategyName): Generator<string, never> {
  const steps = stepsOf(strategy);
  for (let turn = seed * STEPS_PER_CAMPAIGN; ; turn++) yield steps[(turn * STRIDE) % steps.length]!;
}

/** Resolves once every participant has finished. @throws the first failure of one of them */
export async function runRound(context: ChaosContext, process: TargetProcess, plan: Plan): Promise<void> {
  const { random } = context;
  const moments = range(plan.terminations).map(() => [random(TERMINATIONS_MS), random(1000)] as const);
  await process.arm(plan.steps.map(([step, count]) => [STEPS.indexOf(step), count]));
  const running = Object.entries(plan.participants).flatMap(([name, count]) =>
    range(count).map(() => PARTICIPANTS[name]!.run(context)),
  );
  const terminating = moments.map(async ([ms, which]) => {
    await delay(ms);
    await process.terminate(which);
  });
  // Waits for all of them, so that none goes on into the next round.
  const ends = await Promise.allSettled([...running, ...terminating]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  await process.disarm();
}
