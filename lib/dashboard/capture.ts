/**
 * Records a trace for some time and writes it in parts while it is recorded, with back-pressure: while the sink is full,
 * nothing is read from the rings, so neither a long trace stalls the main thread nor a slow client fills its memory. What is
 * overwritten meanwhile is marked in the trace as a hole.
 *
 * With many threads the rings hold some 100,000 transitions, which take a second to read and write: this is done in slices of
 * some milliseconds, between which the main thread runs its other work.
 */
import { setTimeout as delay, setImmediate as nextPass } from 'node:timers/promises';
import {
  type Observed,
  TRANSITION_CAPACITY,
  type TransitionBatch,
  type TransitionSource,
} from '../observe/observation.js';
import { type TraceFacts, TraceWriter } from './trace.js';

/** Between two reads of the rings: a busy thread fills one in some milliseconds. */
const READ_MS = 3;
/** Between two samples for the counters. */
const COUNT_MS = 100;
/** Transitions that one slice reads or writes. */
const SLICE = 2048;
const MIN_OF_A_THREAD = 16;

/** Takes the text of the trace. */
export interface TraceSink {
  /** Resolves once the sink accepts more. */
  write(text: string): Promise<void>;
}

/**
 * @param ms how long to record; 0 writes what the rings hold already
 * @param signal ends it early, with a complete file that states the reason
 */
export async function captureTrace(
  observed: Observed,
  facts: TraceFacts,
  { ms, sink, signal }: { ms: number; sink: TraceSink; signal: AbortSignal },
): Promise<void> {
  const capture = new Capture(observed, facts, sink);
  const begin = observed.now();
  let counted = begin;
  await capture.readAll();
  while (observed.now() - begin < ms && !signal.aborted && !capture.trace.full) {
    await delay(READ_MS);
    await capture.readAll();
    const now = observed.now();
    if (now - counted < COUNT_MS) continue;
    capture.trace.count(observed.observe());
    counted = now;
  }
  await capture.end(signal.aborted ? String(signal.reason) : '');
}

class Capture {
  readonly trace: TraceWriter;
  readonly #observed: Observed;
  readonly #reader: TransitionSource;
  readonly #sink: TraceSink;
  /** Transitions of one thread in a slice. */
  readonly #max: number;

  constructor(observed: Observed, facts: TraceFacts, sink: TraceSink) {
    this.#observed = observed;
    this.#sink = sink;
    this.#max = Math.max(MIN_OF_A_THREAD, Math.floor(SLICE / facts.threads));
    this.#reader = observed.readTransitions(true);
    const begin = observed.now();
    const first = this.#reader.nextOldest(this.#max);
    this.trace = new TraceWriter(facts, first, observed.observe(), begin);
  }

  /** Reads what the rings hold. Of a thread that writes faster than it is read, some are lost and become a hole. */
  async readAll(): Promise<void> {
    for (let read = 0; read < TRANSITION_CAPACITY; read += this.#max) {
      const readAt = this.#observed.now();
      const batch = this.#reader.nextOldest(this.#max);
      this.trace.add(batch);
      const unread = this.#unreadFrom(batch);
      await this.#release(Math.min(readAt, unread));
      if (unread === Number.POSITIVE_INFINITY) return;
      await nextPass();
    }
    const readAt = this.#observed.now();
    this.trace.add(this.#reader.next(this.#max));
    await this.#release(readAt);
  }

  async end(stopped: string): Promise<void> {
    await this.#release(Number.POSITIVE_INFINITY);
    this.trace.end(stopped);
    await this.#sink.write(this.trace.take());
  }

  /** The time from which on a thread may have more in its ring than the batch had room for. */
  #unreadFrom({ transitions, marks }: TransitionBatch): number {
    const read = new Map<number, { count: number; newest: number }>();
    for (const { thread, at } of [...transitions, ...marks]) {
      const { count, newest } = read.get(thread) ?? { count: 0, newest: 0 };
      read.set(thread, { count: count + 1, newest: Math.max(newest, at) });
    }
    const full = [...read.values()].filter(({ count }) => count >= this.#max);
    return Math.min(Number.POSITIVE_INFINITY, ...full.map(({ newest }) => newest));
  }

  async #release(until: number): Promise<void> {
    for (let all = false; !all; ) {
      all = this.trace.release(until, SLICE);
      const text = this.trace.take();
      if (text !== '') await this.#sink.write(text);
      if (!all) await nextPass();
    }
  }
}
