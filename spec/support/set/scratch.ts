/**
 * The words that a spec and its threads share beside the library's own memory: what a thread is doing, where it has to
 * stop, and what the event handlers saw. Everything here uses the original Atomics, which steps.ts replaces.
 */
export const { load, store, add, sub, exchange, compareExchange, wait, notify } = Atomics;

/** A wait that takes longer has failed; nothing here is expected to come near it. */
const WATCHDOG_MS = 20_000;

/** What a thread is doing (word STATUS). */
export const RUNNING = 0;
/** Before the step at which it was to stop. */
export const STOPPED = 1;
/** The command is over. */
export const DONE = 2;
/** In Atomics.wait or in poll(2), or about to be: nothing but the sleep is left. */
export const ASLEEP = 3;

// Words for all.
/** Threads inside a part that only one may be in, and how often it was not so. */
export const HOLDERS = 0;
export const VIOLATIONS = 1;
/** Plain: incremented inside of such a part, so it is right only if no other thread was there. */
export const PLAIN_COUNT = 2;
/** Where the threads of a stress start together. */
export const BARRIER = 3;
export const PRODUCED = 4;
const TEXT = 16;
const TEXT_WORDS = 512;

// Words of each thread.
const THREADS = TEXT + TEXT_WORDS;
const THREAD_WORDS = 16;
const MAX_SPEC_THREADS = 8;
export const STATUS = 0;
export const GO = 1;
/** The number of the step before which the thread stops; 0 for none. */
export const STOP_BEFORE = 2;
export const STEPS = 3;
export const RESULT = 4;
/** 1: the thread has a reason not to sleep. */
export const HAS_WORK = 5;
export const FAILED = 6;
/** 1: it is in the part that only one may be in. */
export const ALONE = 7;
/** How often it has begun to sleep. */
export const SLEEPS = 8;
export const threadWord = (self: number, word: number): number => THREADS + self * THREAD_WORDS + word;

/** The time until the thread's last reading of its clock, and any other. */
export const UNTIL_READING = 1;
export const OTHER_TIME = 2;

// Words of each descriptor.
/** Descriptors below this have words here. */
export const DESCRIPTORS = 2048;
const HANDLES = THREADS + MAX_SPEC_THREADS * THREAD_WORDS;
/** 1: the event handler stops inside of it. */
export const HOLD = HANDLES;
/** 1 + the thread that is stopped inside of it. */
export const HELD = HOLD + DESCRIPTORS;
/** What was read from it, and how often an event handler was called for it. */
export const TALLY = HELD + DESCRIPTORS;
export const ENTRIES = TALLY + DESCRIPTORS;
/** 1 + the thread whose event handler is inside of it. */
export const OCCUPANT = ENTRIES + DESCRIPTORS;
/** What its handler's hold was charged with, if that has ended: UNTIL_READING or OTHER_TIME. */
export const CHARGED = OCCUPANT + DESCRIPTORS;
const SCRATCH_WORDS = CHARGED + DESCRIPTORS;

export const makeScratch = (): Int32Array => new Int32Array(new SharedArrayBuffer(SCRATCH_WORDS * 4));

/** Blocks the calling thread until a word is as wanted. @returns the word */
export function waitUntil(
  words: Int32Array,
  index: number,
  wanted: (value: number) => boolean,
  what: string,
): number {
  for (;;) {
    const value = load(words, index);
    if (wanted(value)) return value;
    if (wait(words, index, value, WATCHDOG_MS) === 'timed-out') throw new Error(`this never came: ${what}`);
  }
}

/** Asks again and again, with the event loop running in between. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WATCHDOG_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`this never came: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function put(words: Int32Array, index: number, value: number): void {
  store(words, index, value);
  notify(words, index);
}

/** A thread enters a part that only one may be in. */
export function enterAlone(words: Int32Array, self: number): void {
  store(words, threadWord(self, ALONE), 1);
  if (add(words, HOLDERS, 1) !== 0) add(words, VIOLATIONS, 1);
  words[PLAIN_COUNT] = words[PLAIN_COUNT]! + 1;
}

/** The thread leaves it again, or has died there. */
export function leaveAlone(words: Int32Array, self: number): void {
  if (exchange(words, threadWord(self, ALONE), 0) === 1) sub(words, HOLDERS, 1);
}

/** A barrier for `count` threads. */
export function meet(words: Int32Array, count: number): void {
  add(words, BARRIER, 1);
  notify(words, BARRIER);
  waitUntil(words, BARRIER, (value) => value >= count, `${count} threads at the barrier`);
}

const textOf = (words: Int32Array): Buffer => Buffer.from(words.buffer, TEXT * 4, TEXT_WORDS * 4);

export function writeFailure(words: Int32Array, error: unknown): void {
  textOf(words)
    .fill(0)
    .write(String((error as Error).stack ?? error).slice(0, 1500));
}

export function readFailure(words: Int32Array): string {
  const text = textOf(words);
  return text.toString('utf8', 0, text.indexOf(0));
}
