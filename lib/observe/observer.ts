/** Reads shared memory for the dashboard: the one place that turns its words into an {@link Observation}. */
import { HTTP_CONNECTION, TCP_CONNECTION } from '../connection/event-handler.js';
import { BlockPool } from '../memory/block-pool.js';
import type { Counter } from '../memory/counters.js';
import {
  CONNECTIONS,
  CONNECTIONS_PEAK,
  CURRENT_FD,
  ENGAGED,
  INPUT_BYTES,
  LEADER,
  READY_CAPACITY,
  READY_END,
  READY_NEXT,
  READY_PEAK,
  REQUEST_AT,
  REQUEST_TO,
  SET_DRAINING,
  SET_STATE,
  SET_STOPPING,
  type SharedMemory,
  STATE,
  threadArea,
} from '../memory/layout.js';
import { BYTES_IN, BYTES_OUT, HISTOGRAM_SUMS, SINCE, STATE_TIMES, sumsOf } from '../memory/sums.js';
import { routeName } from '../routes/route-key.js';
import { type RouteRecord, readRoutes } from '../routes/route-table.js';
import { FREE, HandleTable, INSIDE } from '../set/handle-table.js';
import { PROCESSING, STATE_NAMES } from '../set/thread-state.js';
import { MARK_GIVEN, type RecordedTransition, TransitionReader } from '../set/transitions.js';
import { epochOffsetMicros, nowMicros } from '../sys/clock.js';
import { openFiles } from '../sys/process.js';
import {
  HISTOGRAMS,
  type HistogramName,
  type Observation,
  type Observed,
  type ObservedMark,
  type ObservedRoute,
  type ObservedThread,
  type ObservedTransition,
  type TransitionBatch,
  type TransitionSource,
} from './observation.js';
import { ThreadTotals } from './totals.js';

/** A longer route is cut. */
const ROUTE_BYTES = 120;
/** Of a longer target, the learned route is not looked for. */
const MAX_TARGET_BYTES = 2048;
const SPACE = 0x20;
const EMPTY = Buffer.alloc(0);
/** For how long the count of the process's descriptors is reused: counting 10,000 of them takes milliseconds. */
const DESCRIPTORS_MS = 1000;

export interface ObserverOptions {
  readonly threads: number;
  readonly maxConnections: number;
  /** The limit of open files. */
  readonly openFiles: number;
  readonly started: () => boolean;
}

export class Observer implements Observed {
  readonly #memory: SharedMemory;
  readonly #options: ObserverOptions;
  readonly #words: Int32Array;
  readonly #table: HandleTable;
  readonly #pool: BlockPool;
  readonly #inputs: Buffer;
  readonly #totals: ThreadTotals[];
  /** Fixed, so that recorded times never go back when the system's clock is set. */
  readonly #epochMicros = epochOffsetMicros();
  #handlesPeak = 0;
  #descriptors = { current: 0, peak: 0, readAt: Number.NEGATIVE_INFINITY };

  constructor(memory: SharedMemory, options: ObserverOptions) {
    this.#memory = memory;
    this.#options = options;
    this.#words = new Int32Array(memory.control);
    this.#table = new HandleTable(memory.handles);
    this.#pool = new BlockPool(memory.blocks);
    this.#inputs = Buffer.from(memory.inputs);
    this.#totals = Array.from({ length: options.threads }, (_, id) => new ThreadTotals(memory.control, id));
  }

  now(): number {
    return this.#epochMs(nowMicros());
  }

  /** A thread's counters since the start; they never wrap. */
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
    const leader = Atomics.load(words, LEADER) - 1;
    const { maxConnections, openFiles } = this.#options;
    const { handles, active } = this.#countHandles();
    const descriptors = this.#countDescriptors();
    this.#handlesPeak = Math.max(this.#handlesPeak, handles);
    return {
      at: this.#epochMs(now),
      set: this.#set(),
      leader,
      leaderSince: threads[leader]?.since ?? this.#epochMs(now),
      threads,
      handles: { current: handles, peak: this.#handlesPeak, limit: this.#table.capacity },
      ready: {
        current: Math.max(0, words[READY_END]! - words[READY_NEXT]!),
        peak: words[READY_PEAK]!,
        limit: READY_CAPACITY,
      },
      connections: {
        current: Atomics.load(words, CONNECTIONS),
        peak: words[CONNECTIONS_PEAK]!,
        limit: maxConnections,
      },
      pool: { current: this.#pool.inUse(), peak: this.#pool.peak(), limit: this.#pool.size },
      descriptors: { ...descriptors, limit: openFiles },
      active,
      engaged: threads.filter(({ engaged }) => engaged).length,
      routes,
    };
  }

  readTransitions(past = false): TransitionSource {
    const { control } = this.#memory;
    const readers = this.#totals.map((_, thread) => new TransitionReader(control, thread, past));
    const batch = (read: (reader: TransitionReader) => RecordedTransition[]): TransitionBatch => {
      const missedBefore = readers.map(({ missed }) => missed);
      const transitions: ObservedTransition[] = [];
      const marks: ObservedMark[] = [];
      for (const [thread, reader] of readers.entries()) {
        for (const { from, to, micros, promoter } of read(reader)) {
          const at = this.#epochMs(micros);
          if (from !== to) transitions.push({ thread, from, to, at, promoter });
          else marks.push({ thread, kind: promoter === MARK_GIVEN ? 'given' : 'taken', at });
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
    return {
      id,
      state: STATE_NAMES[state]!,
      since: this.#epochMs(since === 0 ? now : since),
      engaged: ((Atomics.load(this.#words, ENGAGED + (id >> 5)) >>> (id & 31)) & 1) === 1,
      timesMs,
      counters: this.#totals[id]!.counters(),
      bytesIn: sums[BYTES_IN]!,
      bytesOut: sums[BYTES_OUT]!,
      connection: busy ? Math.max(-1, this.#words[area + CURRENT_FD]!) : -1,
      route: request.toString('latin1', 0, ROUTE_BYTES),
      learned: learnedOf(request, routes),
      histograms: this.#totals[id]!.histograms(),
      sumsUs: Object.fromEntries(
        HISTOGRAMS.map((name, which) => [name, sums[HISTOGRAM_SUMS + which]!]),
      ) as Record<HistogramName, number>,
    };
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
      const kind = table.kind(fd);
      if (state >= INSIDE && (kind === HTTP_CONNECTION || kind === TCP_CONNECTION)) active++;
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
