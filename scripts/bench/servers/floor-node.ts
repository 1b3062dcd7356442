// The floor of `hello` for a server of Paceline's kind: leader/followers in Node with the same system calls through koffi, a scan
// for the empty line and an answer that is always the same. It has no parser, no handler, no time-outs, no records.
// Usage: floor-node.js THREADS. Prints its address, as paceline does.

import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import {
  EPOLLET,
  EPOLLIN,
  EVENT_DATA,
  EVENT_WORDS,
  epollAdd,
  epollCreate,
  epollWait,
} from '../../../lib/sys/epoll.js';
import { addressOf } from '../../../lib/sys/libc.js';
import {
  acceptConnection,
  bindListener,
  localAddress,
  receive,
  startListening,
  transmitFrom,
} from '../../../lib/sys/socket.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n';
const INPUT_BYTES = 16_384;
const BACKLOG = 511;
const CR = 0x0d;
const LF = 0x0a;

/** States of the word of leadership; with followers that sleep, the leader has to wake one. */
const FREE = 0;
const LED = 1;
const LED_WITH_FOLLOWERS = 2;

interface Shared {
  readonly leadership: Int32Array;
  readonly set: number;
  readonly listener: number;
}

function serve({ leadership, set, listener }: Shared): never {
  const event = new Int32Array(EVENT_WORDS);
  const input = Buffer.allocUnsafeSlow(INPUT_BYTES);
  const inputAt = addressOf(input);
  const answer = Buffer.allocUnsafeSlow(ANSWER.length);
  answer.write(ANSWER, 'latin1');
  const answerAt = addressOf(answer);
  for (;;) {
    becomeLeader(leadership);
    const count = epollWait(set, event, 1, -1);
    promoteFollower(leadership);
    if (count === 0) continue;
    const fd = event[EVENT_DATA]!;
    if (fd === listener) {
      acceptAll(set, listener);
      continue;
    }
    const bytes = receive(fd, inputAt, INPUT_BYTES);
    if (bytes === 0) closeDescriptor(fd);
    else if (bytes > 0 && hasEmptyLine(input, bytes)) transmitFrom(fd, answerAt, ANSWER.length, false);
  }
}

/** A lock of one word, after Drepper, "Futexes Are Tricky", section 5. */
function becomeLeader(word: Int32Array): void {
  if (Atomics.compareExchange(word, 0, FREE, LED) === FREE) return;
  while (Atomics.exchange(word, 0, LED_WITH_FOLLOWERS) !== FREE) Atomics.wait(word, 0, LED_WITH_FOLLOWERS);
}

function promoteFollower(word: Int32Array): void {
  if (Atomics.exchange(word, 0, FREE) === LED_WITH_FOLLOWERS) Atomics.notify(word, 0, 1);
}

function acceptAll(set: number, listener: number): void {
  for (let fd = acceptConnection(listener); fd >= 0; fd = acceptConnection(listener)) {
    epollAdd(set, fd, 0, EPOLLIN | EPOLLET);
  }
}

function hasEmptyLine(input: Buffer, bytes: number): boolean {
  for (let at = 3; at < bytes; at += 1) {
    if (input[at] === LF && input[at - 1] === CR && input[at - 2] === LF && input[at - 3] === CR) return true;
  }
  return false;
}

if (isMainThread) {
  const listener = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  startListening(listener, BACKLOG);
  const shared: Shared = {
    leadership: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    set: epollCreate(),
    listener,
  };
  epollAdd(shared.set, listener, 0, EPOLLIN | EPOLLET);
  for (let threads = Number(process.argv[2]); threads > 0; threads -= 1) {
    new Worker(new URL(import.meta.url), { workerData: shared });
  }
  console.log(`listening on http://127.0.0.1:${localAddress(listener)!.port}`);
} else serve(workerData as Shared);
