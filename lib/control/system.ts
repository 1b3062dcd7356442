/** What a server takes from the system when it starts, before the first thread. */
import { stat } from 'node:fs/promises';
import type { ResolvedOptions } from '../options/server-options.js';
import { closeDescriptor, createEventCounter } from '../sys/descriptor.js';
import { epollCreate } from '../sys/epoll.js';
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

/**
 * Opens the set's own descriptors.
 *
 * @throws PacelineError `PACELINE_SYSTEM`; nothing is left open then
 */
export function openDescriptors(threads: number): { epoll: number; wakeUp: number; doorbells: number[] } {
  const opened: number[] = [];
  const open = (create: () => number): number => {
    const fd = create();
    opened.push(fd);
    return fd;
  };
  try {
    const epoll = open(epollCreate);
    const wakeUp = open(createEventCounter);
    return { epoll, wakeUp, doorbells: Array.from({ length: threads }, () => open(createEventCounter)) };
  } catch (error) {
    for (const fd of opened) closeDescriptor(fd);
    throw error;
  }
}

/**
 * libuv creates the threads of its pool at the first use, and aborts the process if the system refuses one. So they are created
 * before the set's threads, whose refusal is an ordinary error.
 */
export async function startThreadPool(): Promise<void> {
  await stat('/');
}

/** How many connections the limit of open files allows, with a warning where that is fewer than `maxConnections`. */
export function handleLimits(
  threads: number,
  { maxConnections, logger }: ResolvedOptions,
): { openFiles: number; capacity: number; maxConnections: number } {
  const openFiles = Math.min(openFilesLimit(), MAX_DESCRIPTORS);
  if (openFiles < maxConnections + OWN_DESCRIPTORS) {
    logger.warn(
      `the limit of open files is ${openFiles}, too low for maxConnections ${maxConnections}; raise it (ulimit -n, or LimitNOFILE of a systemd unit)`,
    );
  }
  const capacity = openFiles - Math.min(RESERVED_DESCRIPTORS, Math.floor(openFiles / 4));
  // At this limit clients wait in the listening socket's queue. Beyond it, a connection would have to be accepted to find that
  // the table is full, and be closed.
  const own = (countOpenFiles() ?? OWN_DESCRIPTORS) + threads * DESCRIPTORS_PER_THREAD;
  const room = Math.max(capacity - own, Math.floor(capacity / 4));
  return { openFiles, capacity, maxConnections: Math.min(maxConnections, room) };
}
