/** Reads shared memory for people who look: the one place that turns its words into an {@link Observation}. */
import { readdirSync } from 'node:fs';
import { HTTP_CONNECTION, TCP_CONNECTION } from '../handlers/event-handler.js';
import { BlockPool } from '../memory/block-pool.js';
import { COUNTERS, type Counter, readCounters } from '../memory/counters.js';
import {
  BLOCK_COUNT,
  CONNECTIONS,
  CONNECTIONS_PEAK,
  CURRENT_FD,
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
import {
  BYTES_IN,
  BYTES_OUT,
  HISTOGRAM_SUMS,
  histogramOf,
  SINCE,
  STATE_TIMES,
  sumsOf,
} from '../memory/sums.js';
import { FREE, HandleTable, INSIDE } from '../set/handle-table.js';
import { PROCESSING, STATE_NAMES } from '../set/thread-state.js';
import { TransitionReader } from '../set/transitions.js';
import { epochOffsetMicros, nowMicros } from '../sys/clock.js';
import {
  HISTOGRAMS,
  type HistogramName,
  type Observation,
  type Observed,
  type ObservedThread,
  type TransitionSource,
} from './observation.js';

/** The longest part of a route that is shown. */
const ROUTE_BYTES = 120;
/** How long a count of the process's descriptors holds: with 10,000 of them, it takes milliseconds. */
const DESCRIPTORS_MS = 1000;
const COUNTER_MODULUS = 2 ** 32;

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
  readonly #counters: CounterExtender[];
  /** Fixed, so that recorded times never go back, whatever becomes of the system's clock. */
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
    this.#counters = Array.from({ length: options.threads }, () => new CounterExtender());
  }

  now(): number {
    return this.#epochMs(nowMicros());
  }

  observe(): Observation {
    const words = this.#words;
    const now = nowMicros();
    const threads = this.#counters.map((_, id) => this.#thread(id, now));
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
      pool: { current: this.#pool.inUse(), peak: this.#pool.peak(), limit: BLOCK_COUNT },
      descriptors: { ...descriptors, limit: openFiles },
      active,
    };
  }

  readTransitions(past = false): TransitionSource {
    const { control } = this.#memory;
    const readers = this.#counters.map((_, thread) => new TransitionReader(control, thread, past));
    return {
      next: (most) => {
        const missedBefore = readers.map(({ missed }) => missed);
        const transitions = readers.flatMap((reader, thread) =>
          reader.read(most).map(({ from, to, micros, promoter }) => ({
            thread,
            from,
            to,
            at: this.#epochMs(micros),
            promoter,
          })),
        );
        transitions.sort((a, b) => a.at - b.at);
        return { transitions, missed: readers.map(({ missed }, thread) => missed - missedBefore[thread]!) };
      },
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

  #thread(id: number, now: number): ObservedThread {
    const { control } = this.#memory;
    const area = threadArea(id);
    const sums = sumsOf(control, id);
    let state = 0;
    let since = 0;
    // The thread writes the one after the other: a look that saw no change between belongs together.
    do {
      since = sums[SINCE]!;
      state = Atomics.load(this.#words, area + STATE);
    } while (since !== sums[SINCE]);
    const timesMs = STATE_NAMES.map((_, each) => sums[STATE_TIMES + each]! / 1000);
    if (since !== 0) timesMs[state]! += Math.max(0, now - since) / 1000;
    const busy = state === PROCESSING;
    return {
      id,
      state: STATE_NAMES[state]!,
      since: this.#epochMs(since === 0 ? now : since),
      timesMs,
      counters: this.#counters[id]!.extend(readCounters(control, id)),
      bytesIn: sums[BYTES_IN]!,
      bytesOut: sums[BYTES_OUT]!,
      connection: busy ? this.#words[area + CURRENT_FD]! : -1,
      route: busy ? this.#route(id) : '',
      histograms: byHistogram((which) => histogramOf(control, id, which).slice()),
      sumsUs: byHistogram((which) => sums[HISTOGRAM_SUMS + which]!),
    };
  }

  /** The thread goes on while its input is read, so a look counts only if the words say the same after it. */
  #route(id: number): string {
    const words = this.#words;
    const area = threadArea(id);
    const at = words[area + REQUEST_AT]!;
    const to = words[area + REQUEST_TO]!;
    if (to <= at || to > INPUT_BYTES) return '';
    const start = id * INPUT_BYTES + at;
    const text = this.#inputs.toString('latin1', start, start + Math.min(to - at, ROUTE_BYTES));
    const changed = words[area + REQUEST_AT] !== at || words[area + REQUEST_TO] !== to;
    // What the parser takes has no control characters; anything else is of another moment.
    return changed || !/^[\x21-\x7e]+ [\x21-\xff]+$/.test(text) ? '' : text;
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
      known.current = countOpenFiles() ?? this.#options.openFiles;
      known.peak = Math.max(known.peak, known.current);
      known.readAt = now;
    }
    return { current: known.current, peak: known.peak };
  }
}

/** Undefined where there is no descriptor left to list them with. */
function countOpenFiles(): number | undefined {
  try {
    // One of them is that of the listing itself.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

function byHistogram<T>(read: (which: number) => T): Record<HistogramName, T> {
  return Object.fromEntries(HISTOGRAMS.map((name, which) => [name, read(which)])) as Record<HistogramName, T>;
}

/** Makes counters of 32 bits ones that do not wrap; they are to be looked at once in each turn of theirs. */
class CounterExtender {
  readonly #last = new Map<Counter, number>();
  readonly #total = new Map<Counter, number>();

  extend(counters: Record<Counter, number>): Record<Counter, number> {
    const extended = { ...counters };
    for (const name of COUNTERS) {
      const step = (counters[name] - (this.#last.get(name) ?? 0) + COUNTER_MODULUS) % COUNTER_MODULUS;
      const total = (this.#total.get(name) ?? 0) + step;
      this.#last.set(name, counters[name]);
      this.#total.set(name, total);
      extended[name] = total;
    }
    return extended;
  }
}
