/**
 * The listeners of a thread set: its listening sockets, which all its threads share. Each has a number from 0 to MAX_LISTENERS - 1, which
 * its own record and those of its connections name (`HandleTable.listener`), and the words of its line say what every thread has to
 * know. Owner of these and of ACCEPT_SUSPENDED; their counts of connections change with CONNECTIONS, in acceptor.ts and close.ts.
 *
 * One party registers listeners and closes them: the control plane, or the thread of a local set. Every thread may be inside a
 * listening handle meanwhile, so a listener is unregistered only by a caller that has entered its handle, and what a thread does to
 * the handle of another one's listener it does inside, too:
 *
 * - A bit of ACCEPT_SUSPENDED is set and cleared only inside the listening handle.
 * - A thread that has closed a connection enters each suspended handle, by its generation, and resumes it. A handle that another
 *   thread is inside gets an event noted instead; that thread resumes it before it leaves (acceptor.ts).
 *
 * So a listener's number and descriptor may be used again as soon as it is unregistered, and a thread that dies between two steps leaves
 * a bit set or the handle resumed: nothing is lost.
 */
import {
  ACCEPT_SUSPENDED,
  LISTENER_CONNECTIONS,
  LISTENER_FD,
  LISTENER_GENERATION,
  LISTENER_KIND,
  listenerArea,
  MAX_LISTENERS,
} from '../memory/layout.js';
import { type HandleSet, INTEREST_INPUT } from '../set/handle-set.js';
import { ENTERED, READABLE } from '../set/handle-table.js';
import { ACCEPTOR } from './event-handler.js';

/** The descriptor of a listener's socket; -1 while it is not registered. Callable from any thread. */
export const listenerFd = (control: Int32Array, index: number): number =>
  Atomics.load(control, listenerArea(index) + LISTENER_FD) - 1;

/** Which event handler serves the connections of a listener. Callable from any thread. */
export const kindOfConnections = (control: Int32Array, index: number): number =>
  Atomics.load(control, listenerArea(index) + LISTENER_KIND);

/** How many connections of a listener are open. Callable from any thread. */
export const openConnections = (control: Int32Array, index: number): number =>
  Atomics.load(control, connectionsWord(index));

/** The index of the word that counts them, for those who change it with CONNECTIONS: with no call in between. */
export const connectionsWord = (index: number): number => listenerArea(index) + LISTENER_CONNECTIONS;

// ---- registering: by one party ---------------------------------------------------------------------------------------

/**
 * The lowest number that no listener has and no open connection names; -1 if there is none.
 *
 * @param isTaken whether the caller has given a number away that is not registered yet
 */
export function freeListener(control: Int32Array, isTaken: (index: number) => boolean = () => false): number {
  for (let index = 0; index < MAX_LISTENERS; index++) {
    if (isTaken(index)) continue;
    if (listenerFd(control, index) < 0 && openConnections(control, index) === 0) return index;
  }
  return -1;
}

/**
 * Registers a socket that listens: from then on any thread may accept its connections.
 *
 * @param index a free number
 * @param kind which event handler serves them
 * @throws PacelineError `PACELINE_SYSTEM`; nothing is registered then
 */
export function registerListener(
  control: Int32Array,
  handles: HandleSet,
  { index, fd, kind }: { readonly index: number; readonly fd: number; readonly kind: number },
): void {
  const { table, self } = handles;
  const line = listenerArea(index);
  const generation = table.open(fd, ACCEPTOR, 0, self, index);
  // Before any thread can enter the handle.
  Atomics.store(control, line + LISTENER_GENERATION, generation);
  Atomics.store(control, line + LISTENER_KIND, kind);
  Atomics.store(control, line + LISTENER_FD, fd + 1);
  try {
    handles.completeRegistration(fd, generation, INTEREST_INPUT);
  } catch (error) {
    Atomics.store(control, line + LISTENER_FD, 0);
    table.close(fd);
    throw error;
  }
}

/**
 * Takes a listener out of the set, unless a thread is inside its handle; then the caller has to try again. The socket is the caller's
 * from then on. Its connections stay; as long as one is open, the number is not free.
 *
 * @returns false while a thread is inside
 */
export function unregisterListener(control: Int32Array, handles: HandleSet, index: number): boolean {
  const { table, self } = handles;
  const line = listenerArea(index);
  const fd = listenerFd(control, index);
  if (fd < 0) return true;
  const generation = Atomics.load(control, line + LISTENER_GENERATION);
  if (table.claim(fd, generation, 0, self) !== ENTERED) return false;
  Atomics.store(control, line + LISTENER_FD, 0);
  Atomics.and(control, ACCEPT_SUSPENDED, ~(1 << index));
  handles.unregisterHandle(fd);
  return true;
}

// ---- suspending and resuming -----------------------------------------------------------------------------------------

export const isSuspended = (control: Int32Array, index: number): boolean =>
  (Atomics.load(control, ACCEPT_SUSPENDED) & (1 << index)) !== 0;

/** Suspends accepting. The caller is inside the listening handle. */
export function suspendListener(control: Int32Array, handles: HandleSet, index: number, fd: number): void {
  handles.suspendHandle(fd);
  Atomics.or(control, ACCEPT_SUSPENDED, 1 << index);
}

/** Resumes accepting; who waits already is reported. The caller is inside the listening handle. */
export function resumeListener(control: Int32Array, handles: HandleSet, index: number, fd: number): void {
  // In this order: if the thread dies in between, the bit has the handle resumed once more.
  handles.resumeHandle(fd, INTEREST_INPUT);
  Atomics.and(control, ACCEPT_SUSPENDED, ~(1 << index));
}

/** Resumes accepting at all listeners where it is suspended. Callable from any thread, inside no listening handle. */
export function resumeAccepting(control: Int32Array, handles: HandleSet): void {
  for (let left = Atomics.load(control, ACCEPT_SUSPENDED); left !== 0; left &= left - 1) {
    enterAndResume(control, handles, 31 - Math.clz32(left & -left));
  }
}

function enterAndResume(control: Int32Array, handles: HandleSet, index: number): void {
  const { table, self } = handles;
  const line = listenerArea(index);
  const fd = listenerFd(control, index);
  const generation = Atomics.load(control, line + LISTENER_GENERATION);
  // Once more, so that both are of the same listener: the number may be given to another one at any time.
  if (fd < 0 || listenerFd(control, index) !== fd) return;
  if (table.claim(fd, generation, READABLE, self) !== ENTERED) return;
  do {
    resumeListener(control, handles, index, fd);
  } while (table.leave(fd) !== 0);
}
