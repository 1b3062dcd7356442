/**
 * What `paceline top` shows, as lines of text: the same lanes and table as the page. A lane has one cell for each frame,
 * with the letter of the state in which the thread spent most of the time since the frame before.
 */
import {
  type Frame,
  type Gauge,
  type Hello,
  type Percentiles,
  type RouteRow,
  STATES,
  type State,
  type ThreadRow,
} from '../dashboard/protocol.js';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colors: boolean;
}

/** The size assumed for a terminal that reports none. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
/** Cells kept of each lane; no terminal is wider. */
const MAX_CELLS = 500;

/** A letter for each state, since colours are not visible to everyone, and the colour that the page has (Okabe and Ito's). */
const LOOKS: Readonly<Record<State, { readonly letter: string; readonly color: number }>> = {
  dead: { letter: 'x', color: 166 },
  starting: { letter: 's', color: 175 },
  follower: { letter: '·', color: 74 },
  leader: { letter: 'L', color: 36 },
  processing: { letter: 'P', color: 214 },
};

/** The columns to the left and to the right of the lanes. */
const LEFT = ['#', 'state'] as const;
const RIGHT = ['busy', 'events', 'for', 'fd', 'request'] as const;
const LEFT_WIDTHS = [4, 10];
const RIGHT_WIDTHS = [5, 11, 7, 6];
/** Columns for the beginning of a request's target. */
const REQUEST_WIDTH = 24;
const MIN_LANE = 10;
/** Routes in the line of those that block. */
const SHOWN_ROUTES = 4;

export class TopView {
  readonly #hello: Hello;
  readonly #lanes: State[][];
  #frame: Frame | null = null;

  constructor(hello: Hello) {
    this.#hello = hello;
    this.#lanes = Array.from({ length: hello.threads }, () => []);
  }

  add(frame: Frame): void {
    for (const row of frame.threads) {
      const lane = this.#lanes[row.id];
      lane?.push(mostly(row, this.#frame?.threads[row.id]));
      if (lane !== undefined && lane.length > MAX_CELLS) lane.shift();
    }
    this.#frame = frame;
  }

  /** The table for a pipe: the numbers without lanes, not cut to any width. */
  table(): string[] {
    const frame = this.#frame!;
    const lines = frame.threads.map(
      (row) => `${cells(LEFT_WIDTHS, left(row))} ${cells(RIGHT_WIDTHS, right(row, frame.at))}`,
    );
    const head = `${cells(LEFT_WIDTHS, LEFT)} ${cells(RIGHT_WIDTHS, RIGHT)}`;
    return [...this.#summary(frame), '', head, ...lines, ...warnings(frame)].map((line) => line.trimEnd());
  }

  /** The picture for a terminal, cut to its size. */
  lines(screen: Screen): string[] {
    const { colors } = screen;
    // Serial consoles and terminals opened by programs often report a size of 0 by 0.
    const columns = screen.columns || DEFAULT_COLUMNS;
    const rows = screen.rows || DEFAULT_ROWS;
    const frame = this.#frame!;
    const others = sumOf([...LEFT_WIDTHS, ...RIGHT_WIDTHS]) + LEFT_WIDTHS.length + RIGHT_WIDTHS.length + 2;
    const width = Math.min(MAX_CELLS, Math.max(MIN_LANE, columns - others - REQUEST_WIDTH));
    const seconds = ((width * this.#hello.intervalMs) / 1000).toFixed(0);
    const top = [...this.#summary(frame), ''].map((line) => cut(line, columns));
    const title = `last ${seconds} s`.slice(0, width).padEnd(width);
    top.push(cut(`${cells(LEFT_WIDTHS, LEFT)} ${title} ${cells(RIGHT_WIDTHS, RIGHT)}`, columns));
    const bottom = [
      ...warnings(frame),
      '',
      'L leads · P processes · dots follow · * engaged        q quits',
    ].map((line) => cut(line, columns));
    const room = Math.max(1, rows - top.length - bottom.length);
    const shown = frame.threads.length <= room ? frame.threads : frame.threads.slice(0, room - 1);
    const lanes = shown.map((row) => this.#laneLine(row, frame.at, { width, columns, colors }));
    if (shown.length < frame.threads.length)
      lanes.push(cut(`… and ${frame.threads.length - shown.length} more threads`, columns));
    return [...top, ...lanes, ...bottom].slice(0, rows);
  }

  #laneLine(
    row: ThreadRow,
    at: number,
    { width, columns, colors }: { width: number; columns: number; colors: boolean },
  ): string {
    const before = `${cells(LEFT_WIDTHS, left(row))} `;
    const room = Math.max(0, Math.min(width, columns - before.length));
    const lane = this.#lanes[row.id]!;
    const states = lane.slice(Math.max(0, lane.length - room));
    const rest = columns - before.length - width;
    const after = rest > 1 ? cut(` ${cells(RIGHT_WIDTHS, right(row, at))}`, rest) : '';
    return (
      cut(before, columns) +
      painted(states, colors) +
      (after === '' ? '' : ' '.repeat(width - states.length) + after)
    );
  }

  #summary(frame: Frame): string[] {
    const { version, pid, app, url, startedAt } = this.#hello;
    const { leader, point, gauges } = frame;
    const leads =
      leader.thread < 0
        ? 'nobody leads'
        : `thread ${leader.thread} leads for ${duration(frame.at - leader.since)}`;
    const wakeUps =
      point.wakeUpsPerRequest === null ? '' : `, ${point.wakeUpsPerRequest.toFixed(2)} wake-ups a request`;
    return [
      `paceline ${version}, pid ${pid}: ${clean(app)} at ${clean(url)}, ${frame.set} for ${duration(frame.at - startedAt)}`,
      `${leads}, ${amount(point.promotions)} promotions/s${wakeUps}; ${frame.engaged} of ${frame.threads.length} threads engaged`,
      `${amount(point.requests)} requests/s, ${amount(point.errors)} errors/s; response ${percentiles(point.responseMs)}; queue ${percentiles(point.queueMs)}; promotion ${percentiles(point.promotionMs)}`,
      `connections ${level(gauges.connections)}, ${frame.active} active; ready ${level(gauges.ready)}; pool ${level(gauges.pool)}; descriptors ${level(gauges.descriptors)}`,
      ...blockingRoutes(frame),
    ];
  }
}

/** The state in which the thread spent most of the time since `before`. */
function mostly(row: ThreadRow, before: ThreadRow | undefined): State {
  if (before === undefined) return row.state;
  let state = row.state;
  let most = 0;
  for (const [number, ms] of row.timesMs.entries()) {
    const spent = ms - before.timesMs[number]!;
    if (spent <= most) continue;
    most = spent;
    state = STATES[number]!;
  }
  return state;
}

const left = ({ id, state, engaged }: ThreadRow): string[] => [`${engaged ? '*' : ''}${id}`, state];

const right = ({ busy, counters, since, connection, route }: ThreadRow, at: number): string[] => [
  `${Math.round(busy * 100)} %`,
  amount(counters.events ?? 0),
  duration(at - since),
  connection < 0 ? '' : String(connection),
  clean(route),
];

/** The texts in columns: words flush left, numbers flush right. A text beyond the last width is left as it is. */
function cells(widths: readonly number[], texts: readonly string[]): string {
  return texts
    .map((text, index) => {
      const width = widths[index];
      if (width === undefined) return text;
      return widths === LEFT_WIDTHS && index > 0 ? text.padEnd(width) : text.padStart(width);
    })
    .join(' ');
}

/** One colour sequence for each run of equal states. */
function painted(states: readonly State[], colors: boolean): string {
  let text = '';
  let last: State | null = null;
  for (const state of states) {
    if (colors && state !== last) text += `\x1b[38;5;${LOOKS[state].color}m`;
    text += LOOKS[state].letter;
    last = state;
  }
  return colors && states.length > 0 ? `${text}\x1b[0m` : text;
}

/** The line of the routes that block; none without any. */
function blockingRoutes({ routes }: Frame): string[] {
  const blocking = routes.filter((route) => route.blocking);
  if (blocking.length === 0) return [];
  const rest = blocking.length - SHOWN_ROUTES;
  const more = rest > 0 ? `; and ${rest} more` : '';
  return [`blocking routes: ${blocking.slice(0, SHOWN_ROUTES).map(routeText).join('; ')}${more}`];
}

const routeText = ({ name, typicalMs, longestMs, handOvers }: RouteRow): string =>
  `${clean(name)} ${milliseconds(typicalMs)}, at most ${milliseconds(longestMs)}, ${amount(handOvers)} handed over`;

const warnings = ({ warnings }: Frame): string[] =>
  warnings.length === 0
    ? []
    : ['', ...warnings.map(({ what, advice }) => `! ${clean(what)} ${clean(advice)}`)];

const level = ({ current, peak, limit }: Gauge): string =>
  `${amount(current)}/${amount(peak)}/${amount(limit)}`;

const percentiles = (found: Percentiles | null): string =>
  found === null ? '–' : `p50 ${milliseconds(found.p50)} p99 ${milliseconds(found.p99)}`;

const milliseconds = (ms: number): string => (ms < 10 ? `${ms.toFixed(2)} ms` : duration(ms));

function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

const amount = (number: number): string => Math.round(number).toLocaleString('en');

/** Replaces control characters: a terminal obeys them, and the text may come from any client. */
const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

const cut = (line: string, columns: number): string =>
  line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;

const sumOf = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
