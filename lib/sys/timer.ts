/** timerfd(2): a timer that is a descriptor, and so can be in the handle set. */
import { func, must, orErrno } from './libc.js';

const CLOCK_MONOTONIC = 1;
const TFD_NONBLOCK = 0o4000;
const TFD_CLOEXEC = 0o2000000;
const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

const createCall = func<(clock: number, flags: number) => number>('int timerfd_create(int clock, int flags)');
const settimeCall = func<(fd: number, flags: number, value: BigInt64Array, old: null) => number>(
  'int timerfd_settime(int fd, int flags, void *value, void *old)',
);
const readCall = func<(fd: number, buffer: BigUint64Array, bytes: number) => number>(
  'intptr_t read(int fd, void *buffer, size_t bytes)',
);

/** A timer that becomes readable every `intervalMs` milliseconds. @throws PacelineError `PACELINE_SYSTEM` */
export function createTimer(intervalMs: number): number {
  const fd = must('timerfd_create', orErrno(createCall(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)));
  const ns = BigInt(intervalMs) * NS_PER_MS;
  // struct itimerspec: the interval, then the time until the first expiration, each in seconds and nanoseconds.
  const value = BigInt64Array.of(
    ns / NS_PER_SECOND,
    ns % NS_PER_SECOND,
    ns / NS_PER_SECOND,
    ns % NS_PER_SECOND,
  );
  must('timerfd_settime', orErrno(settimeCall(fd, 0, value, null)));
  return fd;
}

const expirations = new BigUint64Array(1);

/** Makes the timer unreadable until it expires again. */
export function clearExpirations(fd: number): void {
  readCall(fd, expirations, 8);
}
