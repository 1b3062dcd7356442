/** What waits in the kernel: input and ends that nobody has read (poll(2)), and connections that nobody has accepted (tcp(7), TCP_INFO). */
import { EVENT_DATA, EVENT_WORDS } from './epoll.js';
import { func, orErrno } from './libc.js';

const POLLIN = 0x001;
const POLLERR = 0x008;
const POLLHUP = 0x010;
const POLLNVAL = 0x020;
const POLLRDHUP = 0x2000;
/** The peer has sent all and left, or the descriptor is no longer open. */
const GONE = POLLERR | POLLHUP | POLLNVAL | POLLRDHUP;
/** Words of a `struct pollfd`: the descriptor, and `events` and `revents` as halves of one word. */
const POLL_WORDS = 2;
const REVENTS_HALF = 3;
const POLL_HALVES = 4;

const SOL_SOCKET = 1;
const SO_COOKIE = 57;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_LISTEN = 10;
/** Bytes of `struct tcp_info` up to tcpi_unacked, which for a listening socket is the length of its accept queue. */
const TCP_INFO_BYTES = 28;
const TCPI_UNACKED = 6;

const pollCall = func<(fds: Int32Array, count: number, timeoutMs: number) => number>(
  'int poll(void *fds, unsigned long count, int timeout)',
);
const getsockoptCall = func<
  (fd: number, level: number, name: number, value: Uint32Array, bytes: Uint32Array) => number
>('int getsockopt(int fd, int level, int name, void *value, void *bytes)');

/** Asks poll(2) for events of descriptors, without waiting. @returns what it says of each, or null: nothing of any */
function poll(fds: readonly number[], events: number): ((index: number) => number) | null {
  if (fds.length === 0) return null;
  const records = new Int32Array(fds.length * POLL_WORDS);
  const halves = new Uint16Array(records.buffer);
  for (const [index, fd] of fds.entries()) {
    records[index * POLL_WORDS] = fd;
    halves[index * POLL_HALVES + REVENTS_HALF - 1] = events;
  }
  if (orErrno(pollCall(records, fds.length, 0)) <= 0) return null;
  return (index) => halves[index * POLL_HALVES + REVENTS_HALF]!;
}

/** Those of the descriptors that have unread input, whose peer has not left. Does not wait. */
export function withUnreadInput(fds: readonly number[]): number[] {
  const said = poll(fds, POLLIN | POLLRDHUP);
  if (said === null) return [];
  return fds.filter((_, index) => (said(index) & POLLIN) !== 0 && (said(index) & GONE) === 0);
}

/**
 * Adds to the first `count` of some `struct epoll_event` what poll(2) says of their descriptors' ends: EPOLLRDHUP, EPOLLHUP and EPOLLERR, which
 * are the same bits there. Does not wait.
 */
export function addEnds(events: Int32Array, count: number): void {
  const fds = Array.from({ length: count }, (_, index) => events[index * EVENT_WORDS + EVENT_DATA]!);
  const said = poll(fds, POLLRDHUP);
  if (said === null) return;
  for (const index of fds.keys()) events[index * EVENT_WORDS]! |= said(index) & GONE & ~POLLNVAL;
}

const info = new Uint32Array(TCP_INFO_BYTES / 4);
const infoLength = new Uint32Array(1);

/** The connections in the accept queue of a listening TCP socket; 0 for any other descriptor. */
export function acceptQueueLength(fd: number): number {
  infoLength[0] = TCP_INFO_BYTES;
  if (getsockoptCall(fd, IPPROTO_TCP, TCP_INFO, info, infoLength) < 0) return 0;
  const [state] = new Uint8Array(info.buffer);
  return state === TCP_LISTEN && infoLength[0] === TCP_INFO_BYTES ? info[TCPI_UNACKED]! : 0;
}

const cookie = new Uint32Array(2);
const cookieLength = new Uint32Array(1);

/** A number that all descriptors of a socket have in common, and no other socket has (SO_COOKIE, Linux 4.12); 0 where there is none. */
export function socketCookie(fd: number): number {
  cookieLength[0] = cookie.byteLength;
  if (getsockoptCall(fd, SOL_SOCKET, SO_COOKIE, cookie, cookieLength) < 0) return 0;
  return cookie[0]! + cookie[1]! * 2 ** 32;
}
