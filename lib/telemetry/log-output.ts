/**
 * Standard output as the access log writes to it: a write never waits for the reader. The console of a thread does wait, because what an
 * app prints must not be lost (docs/decisions/0011).
 *
 * - A file takes everything.
 * - A socket is written to with a flag for the one call.
 * - A pipe or terminal is opened once more, not to block: the flag belongs to the open file, and descriptor 1 shares that with the console,
 *   and with other processes. Where that is not allowed, since the process has changed its user for example, the thread asks whether there
 *   is room; of two threads that ask at the same time one may then wait.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isWritable } from '../sys/epoll.js';
import { EAGAIN } from '../sys/libc.js';
import { transmitAtOnce } from '../sys/socket.js';

const STANDARD_OUTPUT = 1;
/** Bytes that a pipe takes whole or not at all (pipe(7), PIPE_BUF of Linux). */
export const PIPE_BUF = 4096;

export interface LogOutput {
  /** Bytes that a call may write so that it is not mixed with what other threads write. */
  readonly maxBytes: number;
  /** @returns how many bytes were taken; 0 when there is no room now; -1 when nobody will read any more */
  write(bytes: Uint8Array): number;
}

/** Opens standard output. The system closes what this opens when the thread ends. */
export function openLogOutput(fd = STANDARD_OUTPUT): LogOutput {
  // As bigint: see thread/console.ts.
  const status = fstatSync(fd, { bigint: true });
  if (status.isFile()) return { maxBytes: Number.POSITIVE_INFINITY, write: (bytes) => writeTo(fd, bytes) };
  if (status.isSocket()) {
    return { maxBytes: PIPE_BUF, write: (bytes) => taken(transmitAtOnce(fd, bytes, bytes.length)) };
  }
  const own = openAgain(fd);
  return own === null
    ? { maxBytes: PIPE_BUF, write: (bytes) => (isWritable(fd) ? writeTo(fd, bytes) : 0) }
    : { maxBytes: PIPE_BUF, write: (bytes) => writeTo(own, bytes) };
}

function openAgain(fd: number): number | null {
  try {
    return openSync(
      `/proc/self/fd/${fd}`,
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_APPEND,
    );
  } catch {
    return null;
  }
}

/** A system call's result as `write` returns it. */
const taken = (result: number): number => (result >= 0 ? result : result === -EAGAIN ? 0 : -1);

function writeTo(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : -1;
  }
}
