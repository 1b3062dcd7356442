/**
 * Files: opening them without races, the real path of an open one, pread(2) and sendfile(2).
 * Results are as in the other files of this folder: a value, or the errno negated.
 *
 * Descriptors come from node:fs, because Node.js closes those that a worker leaves behind when it ends.
 */
import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { addressOf, func, orErrno } from './libc.js';

/** Bytes that one call moves at most (sendfile(2), "Notes"). */
export const SEND_FILE_MAX_BYTES = 0x7fff_f000;

const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
/** Without O_NONBLOCK, opening a FIFO would block the thread until there is a writer (fifo(7)). */
const READ_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY;

const sendfileCall = func<(to: number, from: number, offset: number, bytes: number) => number>(
  'intptr_t sendfile(int to, int from, uintptr_t offset, size_t bytes)',
);

const preadCall = func<(fd: number, buffer: Uint8Array, bytes: number, offset: number) => number>(
  'intptr_t pread64(int fd, void *buffer, size_t bytes, int64_t offset)',
);

/** The argument of sendfile: an off_t, 64 bits wide on every platform that the runtime serves on. */
const offsetBytes = Buffer.allocUnsafeSlow(8);
const offsetCell = new BigInt64Array(offsetBytes.buffer);
const offsetAddress = addressOf(offsetBytes);

/**
 * Opens a file for reading, without waiting for anything.
 *
 * @param path absolute, without NUL
 * @param follow whether the last component may be a symbolic link; where it may not, a link gives -ELOOP
 * @returns a descriptor for `closeFile`, or -errno
 */
export function openFile(path: string, follow: boolean): number {
  try {
    return openSync(path, follow ? READ_FLAGS : READ_FLAGS | O_NOFOLLOW);
  } catch (error) {
    return errnoOf(error);
  }
}

/** Closes what `openFile` opened. */
export function closeFile(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // On Linux it is closed whatever close returns (close(2), "Dealing with error returns").
  }
}

/**
 * The absolute path of an open file, free of symbolic links: of the file that was opened, whatever its path names by now
 * (proc(5), /proc/pid/fd). '' when the kernel does not say.
 */
export function pathOfFile(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

/**
 * Sends a part of a file to a socket inside the kernel. The file's own position is neither used nor moved, so several
 * connections may share one descriptor. A peer that has gone gives -EPIPE: Node.js ignores SIGPIPE in the whole process.
 *
 * @param count bytes; no more than SEND_FILE_MAX_BYTES go at once
 * @returns the bytes that the socket took, which may be fewer; 0 when the file ends at `offset`, because it was truncated;
 * or -errno
 */
export function sendFile(socketFd: number, fileFd: number, offset: number, count: number): number {
  offsetCell[0] = BigInt(offset);
  return orErrno(sendfileCall(socketFd, fileFd, offsetAddress, Math.min(count, SEND_FILE_MAX_BYTES)));
}

/**
 * Reads a part of a file. The file's own position is neither used nor moved.
 *
 * @param count bytes, at most `target.length`
 * @returns the bytes read, which may be fewer; 0 when the file ends at `offset`; or -errno
 */
export const readFileAt = (fileFd: number, target: Uint8Array, count: number, offset: number): number =>
  orErrno(preadCall(fileFd, target, count, offset));

function errnoOf(error: unknown): number {
  const { errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) throw error;
  // libuv's error numbers are the kernel's, negated.
  return errno;
}
