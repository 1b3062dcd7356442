/** What a server takes from the system when it starts, before the first thread. */
import { stat } from 'node:fs/promises';
import { allocateMemory, type SharedMemory } from '../memory/allocation.js';
import { MAX_CHANNELS } from '../memory/channel-words.js';
import { BLOCK_COUNT } from '../memory/layout.js';
import type { ResolvedOptions } from '../options/server-options.js';
import type { StrategyName } from '../strategies/descriptions.js';
import { closeDescriptor, createEventCounter } from '../sys/descriptor.js';
import { EPOLLET, EPOLLIN, epollAdd, epollCreate } from '../sys/epoll.js';
import { must } from '../sys/libc.js';
import { openFiles as countOpenFiles, openFilesLimit } from '../sys/process.js';

/** Descriptors that the process needs besides connections: libraries, threads, logs, the app's few files. */
const OWN_DESCRIPTORS = 256;
/**
 * The highest descriptor numbers, which are reserved for the control plane and the app: the handle table ends below them, so
 * a connection accepted with such a number finds the table full. At most a quarter of the limit of open files.
 */
const RESERVED_DESCRIPTORS = 64;
/** Descriptors that a thread opens for its event loop and the like. */
const DESCRIPTORS_PER_THREAD = 8;
/** Bound of the handle table, where the limit of open files is far higher. */
const MAX_DESCRIPTORS = 1_048_576;

/** What a set has besides connections and listening sockets. */
export interface SetDescriptors {
  /** The shared handle set. */
  readonly epoll: number;
  /** Those of the threads from 1 on; none in most models (set/handle-set.ts). */
  readonly ownSets: readonly number[];
  readonly wakeUp: number;
  readonly doorbells: readonly number[];
}

/**
 * Opens the set's own descriptors.
 *
 * @param hasOwnSets whether every thread but the first has a handle set of its own. Such threads do not park: their doorbells ring in the sets
 * that they wait for
 * @throws PacelineError `PACELINE_SYSTEM`; nothing is left open then
 */
export function openDescriptors(threads: number, hasOwnSets: boolean): SetDescriptors {
  const opened: number[] = [];
  const open = (create: () => number): number => {
    const fd = create();
    opened.push(fd);
    return fd;
  };
  try {
    const epoll = open(epollCreate);
    const wakeUp = open(createEventCounter);
    const doorbells = Array.from({ length: threads }, () => open(createEventCounter));
    const ownSets = hasOwnSets ? doorbells.slice(1).map(() => open(epollCreate)) : [];
    if (hasOwnSets)
      for (const [thread, set] of [epoll, ...ownSets].entries()) addDoorbell(set, doorbells[thread]!);
    return { epoll, ownSets, wakeUp, doorbells };
  } catch (error) {
    for (const fd of opened) closeDescriptor(fd);
    throw error;
  }
}

/** Edge-triggered, so each ring ends one wait without having been reset. It is in no record, and its events are stale ones. */
function addDoorbell(set: number, doorbell: number): void {
  const result = epollAdd(set, doorbell, 0, EPOLLIN | EPOLLET);
  if (result < 0) must('epoll_ctl', result);
}

/**
 * libuv creates the threads of its pool at the first use, and aborts the process if the system refuses one. So they are created
 * before the set's threads, whose refusal is an ordinary error.
 */
export async function startThreadPool(): Promise<void> {
  await stat('/');
}

/** How many descriptors and connections there may be. */
export interface HandleLimits {
  readonly openFiles: number;
  /** Of the handle table. */
  readonly capacity: number;
  readonly maxConnections: number;
}

/** How many connections the limit of open files allows, with a warning where that is fewer than `maxConnections`. */
export function handleLimits(
  threads: number,
  { maxConnections, strategy, logger }: ResolvedOptions,
): HandleLimits {
  const openFiles = Math.min(openFilesLimit(), MAX_DESCRIPTORS);
  if (openFiles < maxConnections + OWN_DESCRIPTORS) {
    logger.warn(
      `the limit of open files is ${openFiles}, too low for maxConnections ${maxConnections}; raise it (ulimit -n, or LimitNOFILE of a systemd unit)`,
    );
  }
  const numbered = openFiles - Math.min(RESERVED_DESCRIPTORS, Math.floor(openFiles / 4));
  const capacity = strategy === 'simulated-proactor' ? Math.min(numbered, MAX_CHANNELS) : numbered;
  // At this limit clients wait in the listening socket's queue. Beyond it, a connection would have to be accepted to find that
  // the table is full, and be closed.
  const own = (countOpenFiles() ?? OWN_DESCRIPTORS) + threads * DESCRIPTORS_PER_THREAD;
  const room = Math.max(capacity - own, Math.floor(capacity / 4));
  return { openFiles, capacity, maxConnections: Math.min(maxConnections, room) };
}

/** The memory of a set; with channels where its model has them. @param capacity of the handle table, as `handleLimits` returns it */
export const memoryFor = (strategy: StrategyName, threads: number, capacity: number): SharedMemory =>
  allocateMemory(threads, capacity, BLOCK_COUNT, strategy === 'simulated-proactor' ? capacity : 0);
