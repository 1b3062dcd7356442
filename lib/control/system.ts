/** What a server asks of the system at its start, before there is any thread. */
import { stat } from 'node:fs/promises';
import type { ResolvedOptions } from '../options/server-options.js';
import { closeDescriptor, createEventCounter } from '../sys/descriptor.js';
import { epollCreate } from '../sys/epoll.js';
import { openFiles as countOpenFiles, openFilesLimit } from '../sys/process.js';

/** Descriptors that the process needs besides connections: libraries, threads, logs, the app's few files. */
const OWN_DESCRIPTORS = 256;
/**
 * Numbers below the limit of open files that no connection may have: they are the control plane's and the app's. A connection
 * that is accepted with such a number finds the handle table full. Of a low limit it is a quarter.
 */
const RESERVED_DESCRIPTORS = 64;
/** What a thread opens for its event loop and the like. */
const DESCRIPTORS_PER_THREAD = 8;
/** The handle table's bound where the limit of open files is far above it. */
const MAX_DESCRIPTORS = 1_048_576;

/**
 * What the set needs of its own.
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
 * libuv aborts the process where its pool cannot have its threads, at the first use of the pool, whenever that is. So they are made
 * before the set's own, which may be refused in peace.
 */
export async function startThreadPool(): Promise<void> {
  await stat('/');
}

/** What the limit of open files leaves to connections, with a warning where it is less than asked for. */
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
  // Up to this clients wait unaccepted until another one leaves; beyond it, one would have to be accepted to find the table
  // full, and be closed.
  const own = (countOpenFiles() ?? OWN_DESCRIPTORS) + threads * DESCRIPTORS_PER_THREAD;
  const room = Math.max(capacity - own, Math.floor(capacity / 4));
  return { openFiles, capacity, maxConnections: Math.min(maxConnections, room) };
}
