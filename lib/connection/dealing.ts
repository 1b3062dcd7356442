/**
 * Dealing: which thread gets a new connection, in half-sync/half-async. The connection is registered in that thread's own handle set and
 * never moves to another one, so the choice is made once, by what is known when it is accepted.
 *
 * A connection goes to the thread with the least load:
 *
 *   2 for each open connection of its set, as all of them may have requests
 *   + 1 while it processes anything: among equals, one that waits begins at once
 *   + HELD if it has been inside one handler, or its event loop, for more than HELD_MICROS: it would stall the new client as long as it stalls
 *     its others. Such a thread gets connections only while all are held
 *   + ABSENT if it is dead or has yet to load the app: the same, after those that are held
 *
 * Among equals the lowest number is chosen, as everywhere, so that hot threads stay hot. The choice takes a few loads of shared words for each
 * thread, and no lock: the thread that deals is the only one that adds to the counts.
 *
 * Owner of the words OWN_CONNECTIONS, ACCEPTING_TO and CLOSING_OF, which change with CONNECTIONS: in acceptor.ts, close.ts and recovery. A
 * thread that waits for its own set keeps PROCESSING_SINCE by `waits` and `processes`.
 */
import { OWN_CONNECTIONS, PROCESSING_SINCE, STATE, threadArea } from '../memory/layout.js';
import { DEAD, STARTING } from '../set/thread-state.js';
import { nowMicros } from '../sys/clock.js';

/** What a client may well wait for; most handlers take a hundredth of it, and one that has taken so long is likely to take longer. */
export const HELD_MICROS = 1000;

/** More than any number of connections makes. */
const HELD = 1 << 28;
const ABSENT = 1 << 29;

/** The index of the word that counts the connections of a thread's own set, for those who change it: with no call in between. */
export const ownConnectionsWord = (thread: number): number => threadArea(thread) + OWN_CONNECTIONS;

/** How many connections of a thread's own set are open. Callable from any thread. */
export const ownConnections = (control: Int32Array, thread: number): number =>
  Atomics.load(control, ownConnectionsWord(thread));

/** The thread waits for the events of its own set. */
export function waits(control: Int32Array, thread: number): void {
  control[threadArea(thread) + PROCESSING_SINCE] = 0;
}

/** The thread begins to process an event, or goes to its event loop. @param micros when, by sys/clock.ts */
export function processes(control: Int32Array, thread: number, micros: number): void {
  control[threadArea(thread) + PROCESSING_SINCE] = micros | 1;
}

/** Whether the thread takes part in the set: it has loaded the app, and is not dead. Callable from any thread. */
export function takesPart(control: Int32Array, thread: number): boolean {
  const state = control[threadArea(thread) + STATE]!;
  return state !== DEAD && state !== STARTING;
}

/** The load of a thread, as above. */
export function loadOf(control: Int32Array, thread: number): number {
  const load = 2 * ownConnections(control, thread);
  if (!takesPart(control, thread)) return load + ABSENT;
  const since = control[threadArea(thread) + PROCESSING_SINCE]!;
  if (since === 0) return load;
  // Unsigned: since was read first, so it does not lie ahead. It is rounded to odd numbers, which may.
  const micros = ((nowMicros() | 1) - since) >>> 0;
  return load + 1 + (micros > HELD_MICROS ? HELD : 0);
}

/**
 * Chooses the thread for a new connection: one of those from 1 on.
 *
 * @param threads of the set, with the one that deals
 */
export function deal(control: Int32Array, threads: number): number {
  let chosen = 1;
  let least = loadOf(control, 1);
  for (let thread = 2; thread < threads; thread++) {
    const load = loadOf(control, thread);
    if (load >= least) continue;
    least = load;
    chosen = thread;
  }
  return chosen;
}
