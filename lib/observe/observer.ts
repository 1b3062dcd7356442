/** Reads shared memory for the dashboard: the one place that turns its words into an {@link Observation}. */
import { isConnection } from '../connection/event-handler.js';
import type { SharedMemory } from '../memory/allocation.js';
import { BlockPool } from '../memory/block-pool.js';
import type { Counter } from '../memory/counters.js';
import {
  CONNECTIONS,
  CONNECTIONS_PEAK,
  CURRENT_FD,
  ENGAGED,
  INPUT_BYTES,
  LEADER,
  OWN_CONNECTIONS,
  ownReadyList,
  QUEUE_CAPACITY,
  QUEUE_PEAK,
  READY_CAPACITY,
  READY_END,
  READY_NEXT,
  READY_PEAK,
  REQUEST_AT,
  REQUEST_TO,
  SET_DRAINING,
  SET_STATE,
  SET_STOPPING,
  STATE,
  threadArea,
} from '../memory/layout.js';
import { classSumsOf } from '../memory/request-classes.js';
import {
  BYTES_IN,
  BYTES_OUT,
  HEAP_LIMIT,
  HEAP_USED,
  HISTOGRAM_SUMS,
  REQUEST_SINCE,
  SINCE,
  STATE_TIMES,
  sumsOf,
} from '../memory/sums.js';
import { routeName } from '../routes/route-key.js';
import { type RouteRecord, readRoutes } from '../routes/route-table.js';
import { FREE, HandleTable, INSIDE } from '../set/handle-table.js';
import { RequestQueue } from '../set/request-queue.js';
import { PROCESSING, STATE_NAMES } from '../set/thread-state.js';
import { MARK_GIVEN, MARK_TAKEN, type RecordedTransition, TransitionReader } from '../set/transitions.js';
import { DESCRIPTIONS, roleOf, type StrategyName } from '../strategies/descriptions.js';
import { epochOffsetMicros, nowMicros } from '../sys/clock.js';
import { openFiles } from '../sys/process.js';
import { hasOwnSets, queueOf } from './model.js';
import {
  HISTOGRAMS,
  type HistogramName,
  type Level,
  type Observation,
  type Observed,
  type ObservedMark,
  type ObservedRoute,
  type ObservedThread,
  type ObservedTransition,
  type TransitionBatch,
  type TransitionSource,
} from './observation.js';
import { redactQuery } from './redact.js';
import { ThreadTotals } from './totals.js';
import { WaitingRequests } from './waiting.js';

/** A longer request is cut. */
const REQUEST_LENGTH = 120;
/** Of a longer target, the learned route is not looked for. */
const MAX_TARGET_BYTES = 2048;
const SPACE = 0x20;
const EMPTY = Buffer.alloc(0);
/** For how long the count of the process's descriptors is reused: counting 10,000 of them takes milliseconds. */
const DESCRIPTORS_MS = 1000;

export interface ObserverOptions {
  readonly threads: number;
  /** The number of thread 0 in the server. Default: 0 */
  readonly firstThread?: number;
  /** The number of the group, where the server has several. */
  readonly group?: number;
  readonly maxConnections: number;
  /** The limit of open files. */
  readonly openFiles: number;
  readonly started: () => boolean;
  /** Whether requests are shown with the values of their queries. Default: false. */
  readonly showQueries?: boolean;
  /** Default: leader-followers. */
  readonly strategy?: StrategyName;
}

export class Observer implements Observed {
  readonly #memory: SharedMemory;
  readonly #options: ObserverOptions;
  readonly #strategy: StrategyName;
  readonly #firstThread: number;
  readonly #words: Int32Array;
  readonly #table: HandleTable;
  readonly #pool: BlockPool;
  readonly #inputs: Buffer;
  readonly #totals: ThreadTotals[];
  /** Null in models without one. */
  readonly #queue: RequestQueue | null;
  readonly #waiting: WaitingRequests;
  /** Fixed, so that recorded times never go back when the system's clock is set. */
  readonly #epochMicros = epochOffsetMicros();
  #handlesPeak = 0;
  #descriptors = { current: 0, peak: 0, readAt: Number.NEGATIVE_INFINITY };

  constructor(memory: SharedMemory, options: ObserverOptions) {
    this.#memory = memory;
    this.#options = options;
    this.#strategy = options.strategy ?? 'leader-followers';
    this.#firstThread = options.firstThread ?? 0;
    this.#words = new Int32Array(memory.control);
    this.#table = new HandleTable(memory.handles);
    this.#pool = new BlockPool(memory.blocks);
    this.#inputs = Buffer.from(memory.inputs);
    this.#totals = Array.from({ length: options.threads }, (_, id) => new ThreadTotals(memory.control, id));
    const hasQueue = queueOf(this.#strategy) !== null && !hasOwnSets(this.#strategy);
    this.#queue = hasQueue ? new RequestQueue(memory.control, 0) : null;
    this.#waiting = new WaitingRequests(memory.control, this.#table, options.threads, this.#queue);
  }

  now(): number {
    return this.#epochMs(nowMicros());
  }

  /** A thread's counters since the start; they never wrap. @param thread its number in the set */
  counters(thread: number): Record<Counter, number> {
    return this.#totals[thread]!.counters();
  }

  /** Updates the totals while nothing reads them; to be called once a minute. */
  keepTotals(): void {
    for (const totals of this.#totals) totals.update();
  }

  observe(): Observation {
    const words = this.#words;
    const now = nowMicros();
    const routes = readRoutes(this.#memory.routes).map(routeOf);
    const threads = this.#totals.map((_, id) => this.#thread(id, now, routes));
    const at = this.#epochMs(now);
    const { leader, leaderSince } = this.#waits(threads);
    const own = threads.map(() => 0);
    const waiting = this.#waiting.count(
      this.#notAwaitedMs(threads, at, leader < 0 ? at - leaderSince : 0),
      own,
    );
    const { maxConnections, openFiles } = this.#options;
    const { handles, active } = this.#countHandles();
    const descriptors = this.#countDescriptors();
    this.#handlesPeak = Math.max(this.#handlesPeak, handles);
    return {
      at,
      strategy: this.#strategy,
      set: this.#set(),
      leader,
      leaderSince,
      threads: hasOwnSets(this.#strategy)
        ? threads.map((thread, index) => this.#withOwn(thread, index, own[index]!))
        : threads,
      handles: { current: handles, peak: this.#handlesPeak, limit: this.#table.capacity },
      ready: {
        current: Math.max(0, words[READY_END]! - words[READY_NEXT]!),
        peak: words[READY_PEAK]!,
        limit: READY_CAPACITY,
      },
      queue: hasOwnSets(this.#strategy) ? this.#longestBacklog() : this.#requestQueue(),
      connections: {
        current: Atomics.load(words, CONNECTIONS),
        peak: words[CONNECTIONS_PEAK]!,
        limit: maxConnections,
      },
      pool: { current: this.#pool.inUse(), peak: this.#pool.peak(), limit: this.#pool.size },
      descriptors: { ...descriptors, limit: openFiles },
      active,
      engaged: threads.filter(({ engaged }) => engaged).length,
      ...waiting,
      routes,
    };
  }

  /** Which thread waits for events. One that never leaves that to another holds the word also while it does not wait. */
  #waits(threads: readonly ObservedThread[]): Pick<Observation, 'leader' | 'leaderSince'> {
    const holder = Atomics.load(this.#words, LEADER) - 1;
    if (this.#strategy === 'leader-followers') {
      const leaderSince = threads[holder]?.since ?? Math.max(...threads.map(({ since }) => since));
      return { leader: holder < 0 ? -1 : this.#firstThread + holder, leaderSince };
    }
    const { id, state, since } = threads[0]!;
    return { leader: state === 'leader' ? id : -1, leaderSince: since };
  }

  /** For how long no thread has waited for the events of each handle set: the shared one, and then those of threads. */
  #notAwaitedMs(threads: readonly ObservedThread[], at: number, sharedMs: number): number[] {
    if (!hasOwnSets(this.#strategy)) return [sharedMs];
    // What the shared set has is not connections.
    return threads.map(({ handles, state, since }) => (!handles || state === 'leader' ? 0 : at - since));
  }

  /** @param index the thread's number in the set */
  #withOwn(thread: ObservedThread, index: number, waiting: number): ObservedThread {
    if (!thread.handles) return thread;
    const connections = Atomics.load(this.#words, threadArea(index) + OWN_CONNECTIONS);
    return { ...thread, own: { connections, waiting } };
  }

  #requestQueue(): Level | null {
    const queue = this.#queue;
    return queue && { current: queue.length(), peak: this.#words[QUEUE_PEAK]!, limit: QUEUE_CAPACITY };
  }

  /** Of the threads' own ready lists. */
  #longestBacklog(): Level {
    const lists = this.#totals.map((_, id) => this.#words.subarray(ownReadyList(id)));
    return {
      current: Math.max(...lists.map((words) => Math.max(0, words[READY_END]! - words[READY_NEXT]!))),
      peak: Math.max(...lists.map((words) => words[READY_PEAK]!)),
      limit: READY_CAPACITY,
    };
  }

  readTransitions(past = false): TransitionSource {
    const { control } = this.#memory;
    const readers = this.#totals.map((_, thread) => new TransitionReader(control, thread, past));
    const batch = (read: (reader: TransitionReader) => RecordedTransition[]): TransitionBatch => {
      const missedBefore = readers.map(({ missed }) => missed);
      const transitions: ObservedTransition[] = [];
      const marks: ObservedMark[] = [];
      for (const [index, reader] of readers.entries()) {
        const thread = this.#firstThread + index;
        for (const { from, to, micros, promoter: by } of read(reader)) {
          const at = this.#epochMs(micros);
          const promoter = by < 0 ? by : this.#firstThread + by;
          if (from !== to) transitions.push({ thread, from, to, at, promoter });
          else marks.push({ thread, kind: markOf(by), at });
        }
      }
      transitions.sort((a, b) => a.at - b.at);
      marks.sort((a, b) => a.at - b.at);
      const missed = readers.map(({ missed }, thread) => missed - missedBefore[thread]!);
      return { transitions, marks, missed };
    };
    return {
      next: (max) => batch((reader) => reader.read(max)),
      nextOldest: (max) => batch((reader) => reader.readOldest(max)),
    };
  }

  #epochMs(micros: number): number {
    return (micros + this.#epochMicros) / 1000;
  }

  #set(): Observation['set'] {
    const state = Atomics.load(this.#words, SET_STATE);
    if (state >= SET_STOPPING) return 'stopping';
    if (state >= SET_DRAINING) return 'draining';
    return this.#options.started() ? 'serving' : 'starting';
  }

  #thread(id: number, now: number, routes: readonly ObservedRoute[]): ObservedThread {
    const { control } = this.#memory;
    const { group } = this.#options;
    const area = threadArea(id);
    const sums = sumsOf(control, id);
    let state = 0;
    let since = 0;
    // The thread writes one after the other: the two belong together if `since` did not change in between.
    do {
      since = sums[SINCE]!;
      state = Atomics.load(this.#words, area + STATE);
    } while (since !== sums[SINCE]);
    const timesMs = STATE_NAMES.map((_, each) => sums[STATE_TIMES + each]! / 1000);
    if (since !== 0) timesMs[state]! += Math.max(0, now - since) / 1000;
    const busy = state === PROCESSING;
    const request = busy ? this.#request(id) : EMPTY;
    const requestSince = request.length === 0 ? 0 : Math.max(since, sums[REQUEST_SINCE]!);
    return {
      id: this.#firstThread + id,
      ...(group !== undefined && { group }),
      role: roleOf(this.#strategy, id),
      handles: id >= DESCRIPTIONS[this.#strategy].ioThreads,
      state: STATE_NAMES[state]!,
      since: this.#epochMs(since === 0 ? now : since),
      engaged: this.#isEngaged(id),
      timesMs,
      counters: this.#totals[id]!.counters(),
      bytesIn: sums[BYTES_IN]!,
      bytesOut: sums[BYTES_OUT]!,
      own: null,
      connection: busy ? Math.max(-1, this.#words[area + CURRENT_FD]!) : -1,
      route: this.#shown(request.toString('latin1')),
      requestSince: requestSince === 0 ? 0 : this.#epochMs(requestSince),
      learned: learnedOf(request, routes),
      histograms: this.#totals[id]!.histograms(),
      requestClasses: { counts: this.#totals[id]!.requestClasses(), sumsUs: classSumsOf(control, id) },
      heap: { used: sums[HEAP_USED]!, limit: sums[HEAP_LIMIT]! },
      sumsUs: Object.fromEntries(
        HISTOGRAMS.map((name, which) => [name, sums[HISTOGRAM_SUMS + which]!]),
      ) as Record<HistogramName, number>,
    };
  }

  /** Only leader-followers keeps these bits up to date: in other models nothing depends on them. */
  #isEngaged(id: number): boolean {
    if (this.#strategy !== 'leader-followers') return false;
    return ((Atomics.load(this.#words, ENGAGED + (id >> 5)) >>> (id & 31)) & 1) === 1;
  }

  #shown(request: string): string {
    return (this.#options.showQueries ? request : redactQuery(request)).slice(0, REQUEST_LENGTH);
  }

  /**
   * A copy of the method and target of the request that the thread processes; empty if there is none. The thread runs while its
   * input is read, so the copy is valid only if the words are the same afterwards.
   */
  #request(id: number): Buffer {
    const words = this.#words;
    const area = threadArea(id);
    const at = words[area + REQUEST_AT]!;
    const to = words[area + REQUEST_TO]!;
    if (to <= at || to > INPUT_BYTES) return EMPTY;
    const start = id * INPUT_BYTES + at;
    const copy = Buffer.from(this.#inputs.subarray(start, start + Math.min(to - at, MAX_TARGET_BYTES + 1)));
    const changed = words[area + REQUEST_AT] !== at || words[area + REQUEST_TO] !== to;
    // What the parser accepts has no control characters; any other text was overwritten meanwhile.
    return changed || !/^[\x21-\x7e]+ [\x21-\xff]+$/.test(copy.toString('latin1')) ? EMPTY : copy;
  }

  #countHandles(): { handles: number; active: number } {
    const table = this.#table;
    let handles = 0;
    let active = 0;
    const end = table.end();
    for (let fd = 0; fd < end; fd++) {
      const state = table.state(fd);
      if (state === FREE) continue;
      handles++;
      if (state >= INSIDE && isConnection(table.kind(fd))) active++;
    }
    return { handles, active };
  }

  #countDescriptors(): { current: number; peak: number } {
    const known = this.#descriptors;
    const now = performance.now();
    if (now - known.readAt >= DESCRIPTORS_MS) {
      known.current = openFiles() ?? this.#options.openFiles;
      known.peak = Math.max(known.peak, known.current);
      known.readAt = now;
    }
    return { current: known.current, peak: known.peak };
  }
}

function markOf(kind: number): ObservedMark['kind'] {
  if (kind === MARK_GIVEN) return 'given';
  return kind === MARK_TAKEN ? 'taken' : 'begun';
}

/** The route of a request, by its name. */
function learnedOf(request: Buffer, routes: readonly ObservedRoute[]): ObservedRoute | null {
  if (request.length === 0 || request.length > MAX_TARGET_BYTES || routes.length === 0) return null;
  const space = request.indexOf(SPACE);
  const own = routeName(request, 0, space, space + 1, request.length);
  return routes.find(({ name }) => name === own) ?? null;
}

const routeOf = ({ typicalMicros, longestMicros, ...same }: RouteRecord): ObservedRoute => ({
  ...same,
  typicalMs: typicalMicros / 1000,
  longestMs: longestMicros / 1000,
});
