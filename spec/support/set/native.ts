/** What the specs need of the system beside lib/sys. */
import { fstatSync } from 'node:fs';
import { func, must, orErrno } from '../../../lib/sys/libc.js';

const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK = 0o4001;

const readCall = func<(fd: number, buffer: Uint8Array, bytes: number) => number>(
  'intptr_t read(int fd, void *buffer, size_t bytes)',
);
const socketpairCall = func<(family: number, type: number, protocol: number, pair: Int32Array) => number>(
  'int socketpair(int family, int type, int protocol, void *pair)',
);

const counter = new BigUint64Array(1);
const counterBytes = new Uint8Array(counter.buffer);

/** Takes an eventfd's count; 0 when there is none. */
export function takeCount(fd: number): number {
  return readCall(fd, counterBytes, 8) === 8 ? Number(counter[0]) : 0;
}

/** Two connected sockets, non-blocking. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  must('socketpair', orErrno(socketpairCall(AF_UNIX, SOCK_STREAM_NONBLOCK, 0, pair)));
  return [pair[0]!, pair[1]!];
}

export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}
