/**
 * epoll(7) and ppoll(2).
 *
 * `struct epoll_event` is packed on x86-64 (12 bytes) and has natural alignment elsewhere (16 bytes, four of them
 * padding before the data). The 64 bits of user data carry the descriptor and its generation.
 */
import { endianness } from 'node:os';
import { EINTR, func, must, orErrno } from './libc.js';

export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x8000_0000;

const PACKED = process.arch === 'x64';
/** Words (32 bits) of one `struct epoll_event`. */
export const EVENT_WORDS = PACKED ? 3 : 4;
/** Where the user data's low half (the descriptor) begins, in words; the generation follows it. */
export const EVENT_DATA = PACKED ? 1 : 2;

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

const create1 = func<(flags: number) => number>('int epoll_create1(int flags)');
const ctl = func<(set: number, operation: number, fd: number, event: Uint32Array) => number>(
  'int epoll_ctl(int set, int operation, int fd, void *event)',
);
const wait = func<(set: number, events: Int32Array, max: number, timeoutMs: number) => number>(
  'int epoll_wait(int set, void *events, int max, int timeout)',
);
const ppollCall = func<(fds: Int32Array, count: number, timeout: Int32Array | null, signals: null) => number>(
  'int ppoll(void *fds, unsigned long count, void *timeout, void *signals)',
);

/** The argument of epoll_ctl. Each thread loads its own copy of this module, so it is never shared. */
const argument = new Uint32Array(EVENT_WORDS);

/** Creates a handle set in the kernel. @throws PacelineError `PACELINE_SYSTEM` */
export const epollCreate = (): number => must('epoll_create1', orErrno(create1(EPOLL_CLOEXEC)));

function control(set: number, operation: number, fd: number, generation: number, events: number): number {
  argument[0] = events;
  argument[EVENT_DATA] = fd;
  argument[EVENT_DATA + 1] = generation;
  return orErrno(ctl(set, operation, fd, argument));
}

/** Adds a descriptor. Returns 0 or the errno negated. */
export const epollAdd = (set: number, fd: number, generation: number, events: number): number =>
  control(set, EPOLL_CTL_ADD, fd, generation, events);

/** Changes the interest of a descriptor, which also reports again what is ready already. */
export const epollModify = (set: number, fd: number, generation: number, events: number): number =>
  control(set, EPOLL_CTL_MOD, fd, generation, events);

/** Removes a descriptor. */
export const epollDelete = (set: number, fd: number): number => control(set, EPOLL_CTL_DEL, fd, 0, 0);

/** Fills `events` (records of EVENT_WORDS words). Returns how many, or 0 when a signal came first. */
export function epollWait(set: number, events: Int32Array, max: number, timeoutMs: number): number {
  const count = orErrno(wait(set, events, max, timeoutMs));
  if (count >= 0) return count;
  if (count === -EINTR) return 0;
  return must('epoll_wait', count);
}

const POLLIN = 1;
const POLLOUT = 4;
const fds = new Int32Array(4);
/** A `struct timespec`: seconds and nanoseconds of 64 bits each, of which only the low halves are ever used. */
const timespec = new Int32Array(4);
const SECONDS = endianness() === 'LE' ? 0 : 1;
const NANOSECONDS = SECONDS + 2;
const MS_PER_SECOND = 1000;
const NS_PER_MS = 1_000_000;

/** Nothing came before the timeout (or a signal came first). */
export const POLL_NEITHER = 0;
/** Bits of pollTwo's result: the first, the second descriptor is readable. */
export const POLL_FIRST = 1;
export const POLL_SECOND = 2;

/**
 * Waits until one of two descriptors is readable, by ppoll(2): unlike an outer epoll set it leaves nothing registered,
 * so a waiting thread costs the others nothing, and unlike poll(2) it can wait for less than a millisecond.
 *
 * @param timeoutMs may have a fraction; below 0, or Infinity, waits without end
 */
export function pollTwo(first: number, second: number, timeoutMs: number): number {
  fds[0] = first;
  fds[1] = POLLIN;
  fds[2] = second;
  fds[3] = POLLIN;
  const endless = timeoutMs < 0 || timeoutMs === Number.POSITIVE_INFINITY;
  if (!endless) {
    const seconds = Math.floor(timeoutMs / MS_PER_SECOND);
    timespec[SECONDS] = seconds;
    timespec[NANOSECONDS] = (timeoutMs - seconds * MS_PER_SECOND) * NS_PER_MS;
  }
  const count = orErrno(ppollCall(fds, 2, endless ? null : timespec, null));
  if (count < 0) {
    if (count === -EINTR) return POLL_NEITHER;
    must('ppoll', count);
  }
  // The upper half of a record's second word is `revents`; any bit of it, an error too, is for the caller to handle.
  return (fds[1]! >>> 16 ? POLL_FIRST : 0) | (fds[3]! >>> 16 ? POLL_SECOND : 0);
}

const AT_ONCE = new Int32Array(timespec.length);

/** Whether a write to the descriptor would not wait now. */
export function isWritable(fd: number): boolean {
  fds[0] = fd;
  fds[1] = POLLOUT;
  return orErrno(ppollCall(fds, 1, AT_ONCE, null)) > 0;
}
