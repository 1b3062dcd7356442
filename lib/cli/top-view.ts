/**
 * What `paceline top` shows, as lines of text: the verdict, and the same lanes and table as the page. A lane has a letter for the state
 * in each cell. The words are those of the server's concurrency model.
 */
import {
  type Frame,
  type Gauge,
  type HealthLevel,
  type Hello,
  type Percentiles,
  type RouteRow,
  STATES,
  type State,
  type ThreadRow,
} from '../dashboard/protocol.js';
import { MAX_CELLS, TopLanes } from './top-lanes.js';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colors: boolean;
}

/** The size assumed for a terminal that reports none. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/**
 * A letter for each state, since colours are not visible to everyone, and the colour that the page has (Okabe and Ito's). A thread that
 * waits for events leads, unless the model has another word for that.
 */
const LOOKS: Readonly<Record<State, { readonly letter: string; readonly color: number }>> = {
  dead: { letter: 'x', color: 166 },
  starting: { letter: 's', color: 175 },
  follower: { letter: '·', color: 74 },
  leader: { letter: 'L', color: 36 },
  processing: { letter: 'P', color: 214 },
};

/** The colours of the verdict's line. */
const LEVEL_COLORS: Readonly<Record<HealthLevel, number>> = { healthy: 36, degraded: 214, outage: 196 };

/** The columns to the left and to the right of the lanes. Groups and roles are shown where there is more than one. */
const LEFT = { '#': 4, group: 5, role: 8, state: 10 } as const;
const RIGHT = ['busy', 'events', 'for', 'fd', 'request'] as const;
const RIGHT_WIDTHS = [5, 11, 7, 6];
/** Columns for the beginning of a request's target. */
const REQUEST_WIDTH = 24;
const MIN_LANE = 10;
/** Routes in the line of those that block. */
const SHOWN_ROUTES = 4;
/** The lines of the verdict, and the share of the rows that the warnings may have beside the lanes. */
const MAX_VERDICT_LINES = 3;
const WARNINGS_SHARE = 0.3;

export class TopView {
  readonly #hello: Hello;
  readonly #lanes: TopLanes;
  /** The role that only the first thread has, '' for none. */
  readonly #first: string;
  #frame: Frame | null = null;

  constructor(hello: Hello) {
    this.#hello = hello;
    this.#lanes = new TopLanes(hello);
    this.#first = hello.strategy.promotes ? '' : (hello.roles[0] ?? '');
  }

  add(frame: Frame): void {
    this.#lanes.add(frame);
    this.#frame = frame;
  }

  /** The table for a pipe: the numbers without lanes, not cut to any width. */
  table(): string[] {
    const frame = this.#frame!;
    const lines = frame.threads.map(
      (row) => `${this.#left(row)} ${cells(RIGHT_WIDTHS, right(row, frame.at))}`,
    );
    const head = `${this.#leftHead()} ${cells(RIGHT_WIDTHS, RIGHT)}`;
    return [...this.#summary(frame), '', head, ...lines, ...warnings(frame)].map((line) => line.trimEnd());
  }

  /** The picture for a terminal, cut to its size. */
  lines(screen: Screen): string[] {
    const { colors } = screen;
    // Serial consoles and terminals opened by programs often report a size of 0 by 0.
    const columns = screen.columns || DEFAULT_COLUMNS;
    const rows = screen.rows || DEFAULT_ROWS;
    const frame = this.#frame!;
    const others = this.#leftHead().length + sumOf(RIGHT_WIDTHS) + RIGHT_WIDTHS.length + 3;
    const width = Math.min(MAX_CELLS, Math.max(MIN_LANE, columns - others - REQUEST_WIDTH));
    const seconds = ((width * this.#hello.intervalMs) / 1000).toFixed(0);
    const [text = '', ...summary] = [...this.#summary(frame), ''];
    const verdict = wrapped(text, columns).slice(0, MAX_VERDICT_LINES);
    const painter = `\x1b[1;38;5;${LEVEL_COLORS[frame.verdict.level]}m`;
    const top = [
      ...verdict.map((line) => (colors ? `${painter}${line}\x1b[0m` : line)),
      ...summary.map((line) => cut(line, columns)),
    ];
    const title = `last ${seconds} s`.slice(0, width).padEnd(width);
    top.push(cut(`${this.#leftHead()} ${title} ${cells(RIGHT_WIDTHS, RIGHT)}`, columns));
    const said = warnings(frame).flatMap((line) => wrapped(line, columns, '  '));
    const bottom = [
      ...said.slice(0, Math.max(warnings(frame).length, Math.floor(rows * WARNINGS_SHARE))),
      '',
      cut(
        `${this.#first === '' ? 'L leads · P processes · dots follow · * engaged' : 'W waits · P processes · dots are idle'}        q quits`,
        columns,
      ),
    ];
    const room = Math.max(1, rows - top.length - bottom.length);
    const shown =
      frame.threads.length <= room ? frame.threads : this.#worthiest(frame.threads, room - 1, width);
    const lanes = shown.map((row) => this.#laneLine(row, frame.at, { width, columns, colors }));
    if (shown.length < frame.threads.length)
      lanes.push(cut(`… and ${frame.threads.length - shown.length} more threads`, columns));
    return [...top, ...lanes, ...bottom].slice(0, rows);
  }

  /** So many threads that are shown where not all can be: those that did something in their lane go first. */
  #worthiest(rows: readonly ThreadRow[], count: number, width: number): readonly ThreadRow[] {
    const rests = (state: State, role: string): boolean =>
      state === 'follower' || (state === 'leader' && this.#first !== '' && role !== this.#first);
    const isIdle = ({ id, role, engaged }: ThreadRow): boolean =>
      !engaged && this.#lanes.newest(id, width).every((state) => rests(state, role));
    const [active, idle] = [rows.filter((row) => !isIdle(row)), rows.filter(isIdle)];
    return [...active, ...idle].slice(0, count).sort((one, other) => one.id - other.id);
  }

  #leftHead(): string {
    return this.#leftCells((column) => column);
  }

  #leftCells(textOf: (column: keyof typeof LEFT) => string): string {
    const columns = (Object.keys(LEFT) as (keyof typeof LEFT)[]).filter(
      (column) => (column !== 'group' || this.#hello.groups > 1) && (column !== 'role' || this.#first !== ''),
    );
    return cells(
      columns.map((column) => LEFT[column]),
      columns.map(textOf),
    );
  }

  #left(row: ThreadRow): string {
    const { threads, groups } = this.#hello;
    const texts = {
      '#': `${row.engaged ? '*' : ''}${row.id}`,
      group: String(Math.floor((row.id * groups) / threads)),
      role: row.role,
      state: this.#word(row),
    };
    return this.#leftCells((column) => texts[column]);
  }

  #word({ role, state }: ThreadRow): string {
    return this.#hello.stateWords[role]?.[STATES.indexOf(state)] ?? state;
  }

  #laneLine(
    row: ThreadRow,
    at: number,
    { width, columns, colors }: { width: number; columns: number; colors: boolean },
  ): string {
    const before = `${this.#left(row)} `;
    const room = Math.max(0, Math.min(width, columns - before.length));
    const states = this.#lanes.newest(row.id, room);
    const rest = columns - before.length - width;
    const after = rest > 1 ? cut(` ${cells(RIGHT_WIDTHS, right(row, at))}`, rest) : '';
    return cut(before, columns) + ' '.repeat(room - states.length) + this.#painted(states, colors) + after;
  }

  /** One colour sequence for each run of equal states. */
  #painted(states: readonly State[], colors: boolean): string {
    let text = '';
    let last: State | null = null;
    for (const state of states) {
      if (colors && state !== last) text += `\x1b[38;5;${LOOKS[state].color}m`;
      text += state === 'leader' && this.#first !== '' ? 'W' : LOOKS[state].letter;
      last = state;
    }
    return colors && states.length > 0 ? `${text}\x1b[0m` : text;
  }

  /** Who waits for events, and how that changes or what the others do. */
  #who({ at, leader, point, threads }: Frame): string {
    if (this.#first === '') {
      const { groups } = this.#hello;
      const [leaders, processing] = (['leader', 'processing'] as const).map(
        (wanted) => threads.filter(({ state }) => state === wanted).length,
      );
      const leads =
        groups > 1
          ? `${leaders} of ${groups} groups led, ${processing} of ${count(threads.length, 'thread')} processing`
          : leader.thread < 0
            ? 'nobody leads'
            : `thread ${leader.thread} leads for ${duration(at - leader.since)}`;
      return `${leads}, ${amount(point.promotions)} promotions/s`;
    }
    const first = threads.filter(({ role }) => role === this.#first);
    const others = threads.filter(({ role }) => role !== this.#first);
    const [only] = first;
    const waiting = first.filter(({ state }) => state === 'leader').length;
    const waits =
      only !== undefined && first.length === 1
        ? `the ${only.role} is ${this.#word(only)}`
        : `${waiting} of ${first.length} ${this.#first}s waiting`;
    const processing = others.filter(({ state }) => state === 'processing').length;
    const role = others[0]?.role ?? '';
    return [
      `${this.#hello.strategy.name}: ${waits}`,
      ...(role === '' ? [] : [`${processing} of ${count(others.length, role)} processing`]),
    ].join(', ');
  }

  #engaged({ engaged, threads }: Frame): string {
    return this.#first === '' ? `; ${engaged} of ${count(threads.length, 'thread')} engaged` : '';
  }

  /** The line of the queue; none in models without one. */
  #queue({ queue, point }: Frame): string[] {
    if (queue === null) return [];
    return [`${this.#hello.strategy.queue} ${level(queue)}, wait ${percentiles(point.queueMs)}`];
  }

  #summary(frame: Frame): string[] {
    const { version, pid, app, url, startedAt } = this.#hello;
    const { verdict, point, gauges, waiting, errorRate } = frame;
    const wakeUps =
      point.wakeUpsPerRequest === null ? '' : `, ${point.wakeUpsPerRequest.toFixed(2)} wake-ups a request`;
    const promotion = this.#first === '' ? `; promotion ${percentiles(point.promotionMs)}` : '';
    return [
      clean(verdict.text),
      `paceline ${version}, pid ${pid}: ${clean(app)} at ${clean(url)}, ${frame.set} for ${duration(frame.at - startedAt)}`,
      `${this.#who(frame)}${wakeUps}${this.#engaged(frame)}`,
      ...this.#queue(frame),
      `${amount(point.requests)} requests/s, ${amount(waiting)} waiting, ${errorRate === null ? 'no' : share(errorRate)} errors; response ${percentiles(point.responseMs)}; queue ${percentiles(point.queueMs)}${promotion}`,
      `connections ${level(gauges.connections)}, ${frame.active} active; ready ${level(gauges.ready)}; pool ${level(gauges.pool)}; descriptors ${level(gauges.descriptors)}`,
      ...blockingRoutes(frame, this.#first === ''),
    ];
  }
}

const right = (
  { busy, counters, since, requestSince, connection, route }: ThreadRow,
  at: number,
): string[] => [
  `${Math.round(busy * 100)} %`,
  amount(counters.events ?? 0),
  duration(at - Math.max(since, requestSince)),
  connection < 0 ? '' : String(connection),
  clean(route),
];

/** The texts in columns: words flush left, numbers flush right. A text beyond the last width is left as it is. */
function cells(widths: readonly number[], texts: readonly string[]): string {
  return texts
    .map((text, index) => {
      const width = widths[index];
      if (width === undefined) return text;
      return widths !== RIGHT_WIDTHS && index > 0 ? text.padEnd(width) : text.padStart(width);
    })
    .join(' ');
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/**
 * The line of the routes that block; none without any.
 *
 * @param handsOver whether threads hand requests over in this model
 */
function blockingRoutes({ routes }: Frame, handsOver: boolean): string[] {
  const blocking = routes.filter((route) => route.blocking);
  if (blocking.length === 0) return [];
  const rest = blocking.length - SHOWN_ROUTES;
  const more = rest > 0 ? `; and ${rest} more` : '';
  const texts = blocking.slice(0, SHOWN_ROUTES).map((route) => routeText(route, handsOver));
  return [`blocking routes: ${texts.join('; ')}${more}`];
}

const routeText = ({ name, typicalMs, longestMs, handOvers }: RouteRow, handsOver: boolean): string =>
  `${clean(name)} ${milliseconds(typicalMs)}, at most ${milliseconds(longestMs)}${handsOver ? `, ${amount(handOvers)} handed over` : ''}`;

const warnings = ({ warnings }: Frame): string[] =>
  warnings.length === 0
    ? []
    : ['', ...warnings.map(({ what, advice }) => `! ${clean(what)} ${clean(advice)}`)];

const level = ({ current, peak, limit }: Gauge): string =>
  `${amount(current)}/${amount(peak)}/${amount(limit)}`;

const percentiles = (found: Percentiles | null): string =>
  found === null ? '–' : `p50 ${milliseconds(found.p50)} p99 ${milliseconds(found.p99)}`;

const share = (part: number): string => `${(part * 100).toFixed(part > 0 && part < 0.1 ? 1 : 0)} %`;

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

/** A text in lines of whole words; `indent` begins those after the first. */
function wrapped(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((line) => cut(line, columns));
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
