/** Calls on any descriptor: close(2), fcntl(2), and eventfd(2), which wakes a thread that waits in the kernel. */
import { func, must, orErrno } from './libc.js';

const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;

const closeCall = func<(fd: number) => number>('int close(int fd)');
const fcntlCall = func<(fd: number, command: number, value: number) => number>(
  'int fcntl(int fd, int command, int value)',
);
const eventfdCall = func<(initial: number, flags: number) => number>(
  'int eventfd(unsigned int initial, int flags)',
);
const readCall = func<(fd: number, buffer: Uint8Array, bytes: number) => number>(
  'intptr_t read(int fd, void *buffer, size_t bytes)',
);
const writeCall = func<(fd: number, buffer: Uint8Array, bytes: number) => number>(
  'intptr_t write(int fd, void *buffer, size_t bytes)',
);

/** Closes a descriptor. On Linux it is closed whatever close returns (close(2), "Dealing with error returns"). */
export function closeDescriptor(fd: number): void {
  closeCall(fd);
}

/** Another descriptor of the same open file (fcntl(2), F_DUPFD_CLOEXEC). @throws PacelineError `PACELINE_SYSTEM` */
export const duplicateDescriptor = (fd: number): number =>
  must('fcntl', orErrno(fcntlCall(fd, F_DUPFD_CLOEXEC, 0)));

/** Makes a descriptor non-blocking, and no program that the process starts gets it. @throws PacelineError `PACELINE_SYSTEM` */
export function keepToProcess(fd: number): void {
  const flags = must('fcntl', orErrno(fcntlCall(fd, F_GETFL, 0)));
  must('fcntl', orErrno(fcntlCall(fd, F_SETFL, flags | O_NONBLOCK)));
  must('fcntl', orErrno(fcntlCall(fd, F_SETFD, FD_CLOEXEC)));
}

/** An eventfd counter at 0. @throws PacelineError `PACELINE_SYSTEM` */
export const createEventCounter = (): number =>
  must('eventfd', orErrno(eventfdCall(0, EFD_NONBLOCK | EFD_CLOEXEC)));

const one = new Uint8Array(new BigUint64Array([1n]).buffer);
const counter = new Uint8Array(8);

/** Makes the counter readable. A counter that is full is readable already. */
export function signalEventCounter(fd: number): void {
  writeCall(fd, one, 8);
}

/** Makes the counter unreadable until the next signal. */
export function resetEventCounter(fd: number): void {
  readCall(fd, counter, 8);
}
