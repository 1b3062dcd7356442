/** One round: participants by chance, all at once, and deaths among the threads meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
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
import { STEPS } from './steps.js';
import type { TargetProcess } from './target-process.js';

/** What a round is about; the first one is calm. */
const PROFILES = ['faults', 'deaths', 'deaths', 'everything', 'everything', 'hogging'] as const;
type Profile = 'calm' | (typeof PROFILES)[number];

/** How many threads have to come by a step until one dies there: from a rare step's first to a busy one's middle. */
const COUNTS = [1, 1, 20, 300];
const MAX_STEPS = 5;
const MAX_TERMINATIONS = 3;
/** What a campaign takes of the sequence, about; and a stride that comes by every step, so that neighbours are not in one round. */
const STEPS_PER_CAMPAIGN = 9;
const STRIDE = 37;
/** Within which terminations come. */
const TERMINATIONS_MS = 400;

/** What a round consisted of, for people. */
export interface Plan {
  readonly profile: Profile;
  readonly participants: Readonly<Record<string, number>>;
  /** By name, and how many threads have to come by. */
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
 * @param sequence steps in the order in which they take their turns
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

/** All steps, again and again, from where the campaigns of the seeds before this one may have come to. */
export function* stepSequence(seed: number): Generator<string, never> {
  for (let turn = seed * STEPS_PER_CAMPAIGN; ; turn++) yield STEPS[(turn * STRIDE) % STEPS.length]!;
}

/** Resolves once every participant has done what it came for. @throws what one of them saw that must not be */
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
  // All of them are waited for, so that none goes on into the next round; the first that failed says why.
  const ends = await Promise.allSettled([...running, ...terminating]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  await process.disarm();
}
