/** The rows of the table of figures: for the page, the terminal and JSON. This file also runs in the browser. */
import type { Mix } from './mixes.js';
import { BEHIND_MS, type Figures, type FiguresMessage } from './protocol.js';

export type Unit = 'ms' | 'us' | 'share' | 'rate' | 'number' | 'count';

export interface Row {
  /** In JSON. */
  readonly key: string;
  readonly title: string;
  /** One sentence that explains it. */
  readonly about: string;
  readonly unit: Unit;
  readonly better: 'less' | 'more';
  /** Whether it depends on when the requests were sent, and so is in error where the process that sends them is late. */
  readonly timed: boolean;
  /** Smaller differences say nothing: so much two runs of the same model differ. */
  readonly same: number;
  valueOf(figures: Figures): number | null;
}

export const threadCount = (count: number): string => `${count} ${count === 1 ? 'thread' : 'threads'}`;

/** Differences below this share of the better value are not marked. */
export const SAME_SHARE = 0.05;

export function rowsOf({ kinds, burst }: Mix): Row[] {
  const named = [...kinds.map(({ name }) => name), ...(burst === null ? [] : [burst.name])];
  const [, ...others] = named.map((name, kind) => latencyRows(name, kind));
  return [
    ...latencyRows(named[0]!, 0),
    ...(kinds.some(({ holds }) => holds) ? [BEHIND] : []),
    // Of the others the 99th percentile is enough.
    ...others.map((rows) => rows[1]!),
    ...COMMON,
  ];
}

function latencyRows(name: string, kind: number): Row[] {
  const row = (key: 'p50' | 'p99' | 'max', title: string, about: string): Row => ({
    key: `${key}Ms.${name}`,
    title: `${name}, ${title}`,
    about: `${about}, from when a request was due to the end of its answer.`,
    unit: 'ms',
    better: 'less',
    timed: true,
    same: 0.2,
    valueOf: ({ latencies }) => latencies[kind]?.[key] ?? null,
  });
  return [
    row('p50', 'p50', 'Half of these requests took no longer'),
    row('p99', 'p99', 'One of a hundred of these requests took longer'),
    row('max', 'slowest', 'The slowest of these requests'),
  ];
}

const BEHIND: Row = {
  key: 'behind',
  title: 'waited behind a slow handler',
  about: `The share of the other requests that took ${BEHIND_MS} ms or longer while a slow one was out.`,
  unit: 'share',
  better: 'less',
  timed: true,
  same: 0.002,
  valueOf: ({ behind }) => behind,
};

const COMMON: readonly Row[] = [
  {
    key: 'perSecond',
    title: 'answers per second',
    about:
      'As many as asked, unless the server cannot follow: in an open loop a slow server is not asked less.',
    unit: 'rate',
    better: 'more',
    timed: false,
    same: 1,
    valueOf: ({ perSecond }) => perSecond,
  },
  {
    key: 'cpuUs',
    title: 'CPU per answer',
    about: "Of the server's process without its main thread, handlers included.",
    unit: 'us',
    better: 'less',
    timed: false,
    same: 3,
    valueOf: ({ cpuUs }) => cpuUs,
  },
  {
    key: 'switches',
    title: 'context switches per answer',
    about:
      'How often the kernel took a thread off its processor, because it waited or because its time was over.',
    unit: 'number',
    better: 'less',
    timed: false,
    same: 0.1,
    valueOf: ({ switches }) => switches,
  },
  {
    key: 'wakeUps',
    title: 'wake-ups per request',
    about: 'How often one thread woke another one.',
    unit: 'number',
    better: 'less',
    timed: false,
    same: 0.1,
    valueOf: ({ wakeUps }) => wakeUps,
  },
  {
    key: 'queueMs',
    title: 'waited for a thread, p99',
    about: 'From the arrival of an event until a thread took it, as the server itself measures it.',
    unit: 'ms',
    better: 'less',
    timed: true,
    same: 0.2,
    valueOf: ({ queueMs }) => queueMs,
  },
  {
    key: 'waiting',
    title: 'waiting requests, mean',
    about: 'Requests that had arrived and that no thread had taken yet.',
    unit: 'number',
    better: 'less',
    timed: true,
    same: 0.1,
    valueOf: ({ waiting }) => waiting,
  },
  {
    key: 'waitingPeak',
    title: 'waiting requests, peak',
    about: 'The most of them at once, of ten readings a second.',
    unit: 'count',
    better: 'less',
    timed: true,
    same: 2,
    valueOf: ({ waitingPeak }) => waitingPeak,
  },
  {
    key: 'failed',
    title: 'failed',
    about: 'Lost connections, and answers of 400 and above.',
    unit: 'count',
    better: 'less',
    timed: false,
    same: 0,
    valueOf: ({ failed }) => failed,
  },
  {
    key: 'out',
    title: 'unanswered',
    about: 'Requests that are out now.',
    unit: 'count',
    better: 'less',
    timed: true,
    same: 5,
    valueOf: ({ out }) => out,
  },
];

/** Above these shares the figures are of the machine, or of the process that sends the load, and not of the models alone. */
const MAX_BUSY = 0.9;
const MAX_OWN_LATE = 0.05;

/** Whether so many requests were sent late, by the process that sends them, that latencies say little about the servers. */
export const isLate = ({ ownLate }: Pick<FiguresMessage, 'ownLate'>): boolean => ownLate > MAX_OWN_LATE;

/**
 * Which values of a row are marked as the better ones: the best, and those that are as good. None where all are about the same, where a
 * server has no value, or where the process that sends the load was itself too late for latencies to say anything.
 */
export function marksOf(
  { better, same, timed }: Pick<Row, 'better' | 'same' | 'timed'>,
  values: readonly (number | null)[],
  ownLate: number,
): boolean[] {
  const none = values.map(() => false);
  if (values.length < 2 || values.some((value) => value === null)) return none;
  if (timed && isLate({ ownLate })) return none;
  const known = values as readonly number[];
  const best = better === 'less' ? Math.min(...known) : Math.max(...known);
  const marks = known.map(
    (value) => Math.abs(value - best) <= Math.max(SAME_SHARE * Math.max(best, value), same),
  );
  return marks.every((mark) => mark) ? none : marks;
}

/** Whether any two of the values differ by more than two runs of the same model do. */
export const differs = (row: Pick<Row, 'better' | 'same'>, values: readonly (number | null)[]): boolean =>
  marksOf({ ...row, timed: false }, values, 0).includes(true);

/** What has to be known before the figures are believed. */
export function warningsOf({ busy, ownLate, load }: FiguresMessage): string[] {
  const warnings: string[] = [];
  if (busy.all > MAX_BUSY && busy.own < busy.all / 2) {
    warnings.push(
      'Other programs, browsers included, keep the machine busy, and so the figures say less about the models.',
    );
  } else if (busy.all > MAX_BUSY) {
    const advice = load.turns ? 'Lower the rate.' : 'Lower the rate, or send to one after the other.';
    warnings.push(`The machine is full, so the models slow each other down. ${advice}`);
  }
  if (isLate({ ownLate })) {
    const share = Math.round(ownLate * 100);
    warnings.push(
      `${share} % of the requests were sent late, because the process that sends them did not get a core in time: latencies and waiting requests are not those of the servers alone, and none is marked as better.`,
    );
  }
  return warnings;
}
