// Whether requests that wait, for a promise or as a stream, are stalled by requests that block their thread: the same
// connections alone and beside blocking ones, in turns on one server.

import type { Figures } from './figures.js';
import { loadWithClient } from './load.js';
import type { Column, Judge, Judgement, Phase, Result, Scenario, Settings } from './scenario.js';
import type { Setup } from './setups.js';
import { BLOCKING_RUNTIMES, type Server, servers, type Target } from './targets.js';
import { judgeErrors, judgement, medianOf } from './verdict.js';
import { ALONE, type Blockers, type WaitingJob } from './waiting-client.js';

const WAITERS = 16;
const SLEEP_MS = 5;
const STREAMS = 100;
const TICK_MS = 50;
/** What counts as late, in milliseconds: an answer, and a tick after it was due. */
const LATE_ANSWER_MS = 15;
const LATE_TICK_MS = 25;
/** What blocking connections may do to the share of late answers and to p99, as multiples of what they are alone. */
const MAX_RATIO = 1.5;
/** The ratio of a share says little where it is nearly 0 alone, so it may grow by so many percentage points anyway. */
const SHARE_ALLOWANCE = 1;
/** The longest part of a round for each second that a phase is measured, and before the first one. */
const ROUND_MS = 4000;
const WARM_UP_MS = 3000;

const BESIDE: readonly Blockers[] = [
  { key: 'beside20', connections: 2, blockMs: 20 },
  { key: 'beside200', connections: 1, blockMs: 200 },
];

const titleOf = ({ connections, blockMs }: Blockers) => `${connections} x ${blockMs} ms`;

const PHASES: readonly Phase[] = [
  { key: ALONE, title: 'alone' },
  ...BESIDE.map((blockers) => ({ key: blockers.key, title: titleOf(blockers) })),
];

const columns = (what: string, lateMs: number, ...more: readonly Column[]): Column[] => [
  { key: 'latePercent', title: `% later than ${lateMs} ms`, digits: 2 },
  ...more,
  { key: 'p50Ms', title: 'p50 ms', digits: 2 },
  { key: 'p99Ms', title: 'p99 ms', digits: 1 },
  { key: 'maxMs', title: 'max ms', digits: 1 },
  { key: 'count', title: what, digits: 0 },
  { key: 'blocksPerSecond', title: 'blocks/s', digits: 1 },
  { key: 'cpuUs', title: `CPU µs/${what.slice(0, -1)}`, digits: 1 },
];

/**
 * A connection that is stalled asks nothing meanwhile, so long stalls hardly show in a share of the answers: one of 200 ms takes
 * the place of 40 answers, and counts as one. The share of the time that was spent waiting for late ones shows them.
 */
const ANSWER_COLUMNS = columns('answers', LATE_ANSWER_MS, {
  key: 'lateTimePercent',
  title: '% of the time in these',
  digits: 2,
});
const TICK_COLUMNS = columns('ticks', LATE_TICK_MS, {
  key: 'sentLatePercent',
  title: '% sent late',
  digits: 2,
});

const beside = BESIDE.map(titleOf).join(', and ');
const runsHandler = ({ kind }: Target) => BLOCKING_RUNTIMES.includes(kind);
const isPaceline = ({ kind }: Target) => kind === 'paceline';

const SLEEP = {
  title: ({ seconds }: Settings) =>
    `${WAITERS} connections keep asking /sleep?ms=${SLEEP_MS}, alone and in turns beside /block: ${beside}; ${seconds} s each`,
  columns: ANSWER_COLUMNS,
  run: (server: Server, settings: Settings) =>
    measure(server, settings, {
      kind: 'waiting-sleep',
      connections: WAITERS,
      sleepMs: SLEEP_MS,
      lateMs: LATE_ANSWER_MS,
    }),
};

const TICKS = {
  title: ({ seconds }: Settings) =>
    `${STREAMS} streams tick every ${TICK_MS} ms, alone and in turns beside /block: ${beside}; ${seconds} s each; how late ticks arrive`,
  columns: TICK_COLUMNS,
  run: (server: Server, settings: Settings) =>
    measure(server, settings, {
      kind: 'waiting-ticks',
      streams: STREAMS,
      tickMs: TICK_MS,
      lateMs: LATE_TICK_MS,
    }),
};

export const WAITING_SCENARIOS: readonly Scenario[] = [
  { ...waiting('sleep', SLEEP, 'handler', runsHandler, judgeEach(judgeAnswers)), targets: servers(4) },
  waiting('sse', TICKS, 'handler', runsHandler, judgeEach(judgeTicks)),
  waiting('unlearned', SLEEP, 'unlearned', isPaceline, judgeEach(showsStalls(judgeAnswers))),
  waiting('sse-unlearned', TICKS, 'unlearned', isPaceline, judgeEach(showsStalls(judgeTicks))),
];

function waiting(
  part: string,
  measured: Pick<Scenario, 'title' | 'columns' | 'run'>,
  setup: Setup,
  appliesTo: (target: Target) => boolean,
  judge: Judge,
): Scenario {
  const note = setup === 'unlearned' ? ', with every route declared as not blocking' : '';
  return {
    ...measured,
    name: `waiting-${part}`,
    title: (settings) => measured.title(settings) + note,
    group: 'waiting',
    bars: ['cpuUs'],
    phases: () => PHASES,
    ownRounds: 2,
    roundSeconds: ({ seconds }) => (WARM_UP_MS + seconds * ROUND_MS) / 1000,
    setup,
    appliesTo,
    judge,
  };
}

/** What distinguishes the jobs. */
type Load<Job = WaitingJob> = Job extends WaitingJob
  ? Omit<Job, 'port' | 'pid' | 'beside' | 'seconds'>
  : never;

function measure({ port, pid }: Server, { seconds }: Settings, load: Load): Promise<Figures> {
  const job: WaitingJob = { ...load, port, pid, beside: BESIDE, seconds };
  return loadWithClient(job, WARM_UP_MS + seconds * ROUND_MS);
}

type JudgePhase = (paceline: Result, blockers: Blockers) => Judgement[];

function judgeEach(judgePhase: JudgePhase): Judge {
  return (paceline) => [
    ...BESIDE.flatMap((blockers) => judgePhase(paceline, blockers)),
    ...judgeErrors([paceline]),
  ];
}

/** The medians of the rounds: the share of late answers, of the time that was spent waiting for them, and p99. */
function judgeAnswers(paceline: Result, blockers: Blockers): Judgement[] {
  const pair = (key: string) =>
    [medianOf(`${blockers.key}.${key}`, paceline), medianOf(`${ALONE}.${key}`, paceline)] as const;
  const subject = `${paceline.target} beside ${titleOf(blockers)}`;
  const judgeShare = (key: string, text: string) => {
    const [share, alone] = pair(key);
    return judgement(
      share <= Math.max(alone * MAX_RATIO, alone + SHARE_ALLOWANCE),
      `${subject}: ${share.toFixed(2)} % ${text}, alone ${alone.toFixed(2)} % (target: at most ${MAX_RATIO}x, or ${SHARE_ALLOWANCE} percentage point more, whichever is larger)`,
    );
  };
  const [p99, alone] = pair('p99Ms');
  return [
    judgeShare('latePercent', `of the answers are later than ${LATE_ANSWER_MS} ms`),
    judgeShare('lateTimePercent', 'of the time is spent waiting for these'),
    judgement(
      p99 <= alone * MAX_RATIO,
      `${subject}: p99 is ${p99.toFixed(1)} ms, alone ${alone.toFixed(1)} ms, ${(p99 / alone).toFixed(2)}x (target: at most ${MAX_RATIO}x)`,
    ),
  ];
}

/**
 * No tick is late because of the blockers: in the median round no larger share is than alone in the worst round. Pauses of
 * the machine make ticks late in either phase, and in some rounds; blocking requests do in every round.
 */
function judgeTicks(paceline: Result, blockers: Blockers): Judgement[] {
  const share = medianOf(`${blockers.key}.latePercent`, paceline);
  const maxMs = medianOf(`${blockers.key}.maxMs`, paceline);
  const worstAlone = (key: string) =>
    Math.max(...paceline.rounds.map((figures) => figures[`${ALONE}.${key}`]!));
  const subject = `${paceline.target} beside ${titleOf(blockers)}, median round`;
  const maxShare = worstAlone('latePercent');
  const limitMs = Math.max(LATE_TICK_MS, worstAlone('maxMs'));
  return [
    judgement(
      share <= maxShare,
      `${subject}: ${share.toFixed(2)} % of the ticks are later than ${LATE_TICK_MS} ms (target: at most ${maxShare.toFixed(2)} %, as in the worst round alone)`,
    ),
    judgement(
      maxMs <= limitMs,
      `${subject}: the latest tick is ${maxMs.toFixed(1)} ms late (target: at most ${limitMs.toFixed(1)} ms, the larger of ${LATE_TICK_MS} ms and the worst round alone)`,
    ),
  ];
}

/** The opposite, of the server that must not learn: a pass mark that is met there measures nothing. */
function showsStalls(judgePhase: JudgePhase): JudgePhase {
  return (paceline, blockers) => {
    const missed = judgePhase(paceline, blockers).find(({ word }) => word === 'missed');
    return [
      missed
        ? judgement(true, `the stalls show, as they should: ${missed.text}`)
        : judgement(
            false,
            `no stall shows beside ${titleOf(blockers)}, so the marks of the other scenario prove nothing`,
          ),
    ];
  };
}
