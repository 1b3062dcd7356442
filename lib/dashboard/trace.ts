/**
 * A trace for https://ui.perfetto.dev: Trace Event JSON (the format of chrome://tracing), with a track for each thread, on it
 * a slice for each state the thread was in, promotions as flows from the leader that gave leadership up to the next one,
 * hand-overs of connections as instant events on both threads, the beginning of a further request as one, and counters.
 * Threads and states have the names of the concurrency model.
 *
 * A trace contains only what was observed. The rings of transitions are bounded, so some may have been overwritten before
 * they were read: then the open slice ends where its state was last known, an instant event says how many are missing, and
 * the next slice begins with the next transition that was read.
 *
 * Transitions are read thread by thread and in batches. They are held back until no earlier one can follow, and so sorted by
 * time. Readers do not need that order, except that a flow's end must come after the slice that it binds to.
 */

import { threadName, wordsOf } from '../observe/model.js';
import {
  LEADER_STATE,
  type Observation,
  type ObservedMark,
  type ObservedTransition,
  STATE_NAMES,
  type TransitionBatch,
} from '../observe/observation.js';
import { sum } from './rates.js';

/** A transition is in its ring some microseconds after its time, or later if its thread is preempted in between. */
const HOLD_MS = 20;
/** Some minutes of a busy server, and some 300 MB of text. */
export const MAX_EVENTS = 2_000_000;

/** A slice that has begun. */
interface Open {
  readonly state: number;
  readonly since: number;
  /** For a leader: where its promotion came from, if that is known. */
  source: Source | null;
  /** For a leader whose promoter is still recorded as leading: that thread. */
  awaits: number;
}

/** The promoter's side of a promotion: its slice as leader. */
interface Source {
  readonly thread: number;
  readonly since: number;
}

interface Track {
  /** What the thread's states are called. */
  readonly words: readonly string[];
  open: Open | null;
  /** Its last slice as leader, unless transitions were missed since. */
  lastLead: Source | null;
  /** Until when the state of `open` is known, which is when the ring was last read; and the newest transition read. */
  known: number;
  newest: number;
}

interface Hole {
  readonly thread: number;
  readonly missed: number;
  readonly at: number;
}

type Item = ObservedTransition | ObservedMark | Hole;

export interface TraceFacts {
  readonly pid: number;
  readonly name: string;
  readonly threads: number;
}

export class TraceWriter {
  readonly #facts: TraceFacts;
  readonly #base: number;
  readonly #maxEvents: number;
  readonly #tracks: readonly Track[];
  /** Items read, by time except for those added since `release`; those before `#released` are in the text already. */
  #held: Item[] = [];
  #inOrder = true;
  #released = 0;
  #parts: string[] = [];
  #events = 0;
  #flows = 0;
  #missed = 0;
  /** Of each group: the newest change to leader, at which every earlier leadership had ended. */
  readonly #leads: { readonly thread: number; readonly at: number }[];
  readonly #groupThreads: number;
  #sample: { at: number; requests: number } | null = null;

  /**
   * @param first what the rings hold when the trace begins
   * @param start the states of the threads, observed right after `first` was read
   * @param readAt when `first` began to be read
   */
  constructor(
    facts: TraceFacts,
    first: TransitionBatch,
    start: Observation,
    readAt: number,
    maxEvents = MAX_EVENTS,
  ) {
    this.#facts = facts;
    this.#maxEvents = maxEvents;
    const groups = start.groups?.length ?? 1;
    this.#groupThreads = facts.threads / groups;
    this.#leads = Array.from({ length: groups }, () => ({ thread: -1, at: 0 }));
    const held = [...first.transitions, ...first.marks];
    this.#base = held.reduce((base, { at }) => Math.min(base, at), readAt);
    const seen = new Set(first.transitions.map(({ thread }) => thread));
    this.#tracks = start.threads.map(({ role }, thread) => ({
      words: wordsOf(role),
      open: seen.has(thread) ? null : this.#opened(start, thread, readAt),
      lastLead: null,
      known: readAt,
      newest: 0,
    }));
    this.#metadata(start);
    // Transitions overwritten before the trace began are no hole in it.
    this.#hold(first);
    this.count(start);
  }

  /** Whether the bound on events is reached, after which nothing is added. */
  get full(): boolean {
    return this.#events >= this.#maxEvents;
  }

  /** Adds a batch that was read from the rings. */
  add(batch: TransitionBatch): void {
    batch.missed.forEach((count, thread) => {
      if (count === 0) return;
      // The hole comes after everything read of the thread so far, and before this batch.
      const { known, newest } = this.#tracks[thread]!;
      this.#held.push({ thread, missed: count, at: Math.max(known, newest) });
    });
    this.#hold(batch);
  }

  /**
   * Writes what no unread transition can precede any more, given that everything before `readAt` has been read.
   *
   * @param readAt Infinity when nothing follows
   * @param max writes at most this many and leaves the others for another call
   * @returns whether everything was written
   */
  release(readAt: number, max = Number.POSITIVE_INFINITY): boolean {
    if (!this.#release(readAt - HOLD_MS, max)) return false;
    if (readAt === Number.POSITIVE_INFINITY) return true;
    for (const track of this.#tracks) track.known = Math.max(track.known, readAt);
    return true;
  }

  /** Takes a sample for the counters. */
  count(observation: Observation): void {
    const { at, threads, connections, ready, queue } = observation;
    const requests = sum(threads, ({ counters }) => counters.requests);
    const before = this.#sample;
    if (before !== null && at > before.at) {
      const rate = Math.round(((requests - before.requests) / (at - before.at)) * 1000);
      this.#counter('requests/s', at, rate);
    }
    this.#counter('connections', at, connections.current);
    this.#counter('ready list', at, ready.current);
    if (queue !== null) this.#counter('request queue', at, queue.current);
    this.#sample = { at, requests };
  }

  /** The text since the last call. The first call's begins the file. */
  take(): string {
    const text = this.#parts.join('');
    this.#parts = [];
    return text;
  }

  /** Ends the open slices and the file. @param stopped why the trace ended early, '' if it did not */
  end(stopped: string): void {
    this.#release(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    for (const [thread, track] of this.#tracks.entries()) this.#cut(thread, track);
    const otherData = {
      startedAt: new Date(this.#base).toISOString(),
      threads: this.#facts.threads,
      missedTransitions: this.#missed,
      truncated: this.full ? `at ${this.#maxEvents} events` : stopped,
    };
    this.#parts.push(`\n],"displayTimeUnit":"ms","otherData":${JSON.stringify(otherData)}}\n`);
  }

  #opened({ threads }: Observation, thread: number, readAt: number): Open | null {
    const { state, since } = threads[thread]!;
    // A state that began after the read is a transition of the next batch.
    if (since > readAt) return null;
    return {
      state: STATE_NAMES.indexOf(state),
      since: Math.max(since, this.#base),
      source: null,
      awaits: -1,
    };
  }

  #metadata({ threads }: Observation): void {
    const { name } = this.#facts;
    this.#parts.push('{"traceEvents":[\n');
    this.#push(`"ph":"M","tid":0,"ts":0,"name":"process_name","args":{"name":${JSON.stringify(name)}}`);
    for (const thread of threads) {
      const tid = tidOf(thread.id);
      this.#push(`"ph":"M","tid":${tid},"ts":0,"name":"thread_name","args":{"name":"${threadName(thread)}"}`);
      this.#push(
        `"ph":"M","tid":${tid},"ts":0,"name":"thread_sort_index","args":{"sort_index":${thread.id}}`,
      );
    }
  }

  #hold({ transitions, marks }: TransitionBatch): void {
    for (const item of [...transitions, ...marks]) {
      this.#held.push(item);
      const track = this.#tracks[item.thread]!;
      track.newest = Math.max(track.newest, item.at);
    }
    this.#inOrder = false;
  }

  #release(until: number, max: number): boolean {
    if (!this.#inOrder) {
      this.#forgetReleased();
      // The sort is stable: a hole stays before the transition of the same time that ends it.
      this.#held.sort((one, other) => one.at - other.at);
      this.#inOrder = true;
    }
    let rest = max;
    while (this.#released < this.#held.length && this.#held[this.#released]!.at <= until) {
      if (rest-- === 0) return false;
      const item = this.#held[this.#released++]!;
      if (this.full) continue;
      if ('missed' in item) this.#hole(item);
      else if ('kind' in item) this.#mark(item);
      else this.#transition(item);
    }
    this.#forgetReleased();
    return true;
  }

  #forgetReleased(): void {
    this.#held.splice(0, this.#released);
    this.#released = 0;
  }

  #transition({ thread, from, to, at, promoter }: ObservedTransition): void {
    const track = this.#tracks[thread]!;
    // If the open state is not the one that ends, transitions between are missing, and it is unknown how long it lasted.
    if (track.open !== null && track.open.state === from) this.#close(thread, track, at);
    track.open = { state: to, since: at, source: null, awaits: -1 };
    if (to !== LEADER_STATE) return;
    this.#leads[this.#groupOf(thread)] = { thread, at };
    if (promoter < 0 || promoter === thread) return;
    const promoting = this.#tracks[promoter]!;
    // Clocks and rings are read with some skew: the promoter's own transition may come a moment after its successor's.
    if (promoting.open?.state === LEADER_STATE) track.open.awaits = promoter;
    else track.open.source = promoting.lastLead;
  }

  /** Ends a slice at a transition that was read. */
  #close(thread: number, track: Track, at: number): void {
    const { state, since } = track.open!;
    if (state === LEADER_STATE) {
      track.lastLead = { thread, since };
      for (const { open } of this.#tracks) {
        if (open?.awaits !== thread) continue;
        open.source = track.lastLead;
        open.awaits = -1;
      }
    }
    this.#slice(thread, track.open!, at);
  }

  #hole({ thread, missed, at }: Hole): void {
    const track = this.#tracks[thread]!;
    this.#missed += missed;
    this.#cut(thread, track, at);
    track.open = null;
    track.lastLead = null;
    this.#instant(thread, at, `${missed} transitions not seen`, `"missed":${missed}`);
  }

  #mark({ thread, kind, at }: ObservedMark): void {
    if (kind === 'begun') this.#instant(thread, at, 'next request began', '"request":"next"');
    else {
      const name = kind === 'given' ? 'connection handed over' : 'connection taken over';
      this.#instant(thread, at, name, `"handOver":"${kind}"`);
    }
  }

  /** Ends a slice whose end is missing: where its state was last known, and a leader's at the latest where another led. */
  #cut(thread: number, track: Track, known = track.known): void {
    const { open } = track;
    if (open === null) return;
    const lead = this.#leads[this.#groupOf(thread)]!;
    const succeeded = open.state === LEADER_STATE && lead.thread !== thread && lead.at >= open.since;
    this.#slice(thread, open, Math.max(open.since, succeeded ? Math.min(known, lead.at) : known));
  }

  #slice(thread: number, { state, since, source }: Open, end: number): void {
    const tid = tidOf(thread);
    const ts = this.#ts(since);
    const duration = Math.max(0, this.#ts(end) - ts);
    const word = this.#tracks[thread]!.words[state]!;
    this.#push(`"ph":"X","tid":${tid},"ts":${ts},"dur":${duration},"name":"${word}"`);
    if (source === null) return;
    const flow = `"cat":"promotion","name":"promotion","id":${++this.#flows}`;
    this.#push(`"ph":"s","tid":${tidOf(source.thread)},"ts":${this.#ts(source.since)},${flow}`);
    this.#push(`"ph":"f","bp":"e","tid":${tid},"ts":${ts},${flow}`);
  }

  #groupOf(thread: number): number {
    return Math.floor(thread / this.#groupThreads);
  }

  #instant(thread: number, at: number, name: string, args: string): void {
    const place = `"tid":${tidOf(thread)},"ts":${this.#ts(at)}`;
    this.#push(`"ph":"i","s":"t",${place},"name":"${name}","args":{${args}}`);
  }

  #counter(name: string, at: number, value: number): void {
    this.#push(`"ph":"C","tid":0,"ts":${this.#ts(at)},"name":"${name}","args":{"value":${value}}`);
  }

  /** Whole microseconds since the start of the trace. */
  #ts(at: number): number {
    return Math.max(0, Math.round((at - this.#base) * 1000));
  }

  #push(members: string): void {
    this.#parts.push(`${this.#events++ === 0 ? '' : ',\n'}{"pid":${this.#facts.pid},${members}}`);
  }
}

/** Not 0, which some viewers take for no thread. */
const tidOf = (thread: number): number => thread + 1;
