/** The kernel's set: what is put in comes back, and poll(2) tells its two descriptors apart. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import {
  closeDescriptor,
  createEventCounter,
  resetEventCounter,
  signalEventCounter,
} from '../../../lib/sys/descriptor.js';
import {
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EVENT_DATA,
  EVENT_WORDS,
  epollAdd,
  epollCreate,
  epollDelete,
  epollModify,
  epollWait,
  POLL_FIRST,
  POLL_NEITHER,
  POLL_SECOND,
  pollTwo,
} from '../../../lib/sys/epoll.js';
import { errnoName, must, orErrno } from '../../../lib/sys/libc.js';
import { shutdownSending } from '../../../lib/sys/socket.js';
import { socketPair, takeCount } from '../../support/set/native.js';

const MAX = 16;
const EEXIST = 17;
const ENOENT = 2;
const EBADF = 9;

const events = new Int32Array(MAX * EVENT_WORDS);
const set = epollCreate();

/** What is ready now, by descriptor. */
function ready(): { fd: number; generation: number; events: number }[] {
  const count = epollWait(set, events, MAX, 0);
  return Array.from({ length: count }, (_, index) => {
    const at = index * EVENT_WORDS;
    return { events: events[at]!, fd: events[at + EVENT_DATA]!, generation: events[at + EVENT_DATA + 1]! };
  }).sort((a, b) => a.fd - b.fd);
}

test('descriptor, generation and events come back, of several events too', () => {
  const generations = [0, 1, 0x7fff, 0xffff];
  const wanted = generations.map((generation) => {
    const fd = createEventCounter();
    assert.is(epollAdd(set, fd, generation, EPOLLIN | EPOLLET), 0);
    signalEventCounter(fd);
    return { events: EPOLLIN, fd, generation };
  });
  assert.equal(
    ready(),
    wanted.sort((a, b) => a.fd - b.fd),
  );
  assert.equal(ready(), [], 'a change is reported once');
  for (const { fd } of wanted) closeDescriptor(fd);
});

test('a second signal is a second change, also when the first was not read', () => {
  const fd = createEventCounter();
  epollAdd(set, fd, 1, EPOLLIN | EPOLLET);
  for (let signals = 1; signals <= 3; signals++) {
    signalEventCounter(fd);
    assert.is(ready().length, 1);
  }
  assert.is(takeCount(fd), 3);
  signalEventCounter(fd);
  resetEventCounter(fd);
  assert.is(takeCount(fd), 0);
  closeDescriptor(fd);
});

test('a descriptor whose interest changes is reported again; one that was removed is not', () => {
  const fd = createEventCounter();
  epollAdd(set, fd, 1, EPOLLIN | EPOLLET);
  signalEventCounter(fd);
  assert.is(ready().length, 1);
  assert.is(epollModify(set, fd, 2, EPOLLIN | EPOLLET), 0);
  assert.equal(
    ready().map(({ generation }) => generation),
    [2],
  );
  assert.is(epollDelete(set, fd), 0);
  signalEventCounter(fd);
  assert.equal(ready(), []);
  closeDescriptor(fd);
});

test("a peer's end is told from its going away", () => {
  const [here, there] = socketPair();
  epollAdd(set, here, 1, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  assert.is(ready()[0]!.events, EPOLLOUT);
  shutdownSending(there);
  assert.is(ready()[0]!.events, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
  closeDescriptor(there);
  assert.ok(ready()[0]!.events & EPOLLHUP);
  closeDescriptor(here);
  assert.equal(ready(), [], 'closing takes it out');
});

test('a call that fails returns its errno negated', () => {
  const fd = createEventCounter();
  epollAdd(set, fd, 1, EPOLLIN);
  assert.is(epollAdd(set, fd, 1, EPOLLIN), -EEXIST);
  epollDelete(set, fd);
  assert.is(epollModify(set, fd, 1, EPOLLIN), -ENOENT);
  closeDescriptor(fd);
  assert.is(epollAdd(set, fd, 1, EPOLLIN), -EBADF);
});

test('must passes results on and throws a typed error of a failure, with its name', () => {
  assert.is(must('call', 0), 0);
  assert.is(must('call', 7), 7);
  assert.is(orErrno(3), 3);
  assert.is(errnoName(EBADF), 'EBADF');
  try {
    must('call', -EBADF);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, PacelineError);
    const { code, errno, syscall, message } = error as PacelineError;
    assert.equal(
      [code, errno, syscall, message],
      ['PACELINE_SYSTEM', EBADF, 'call', 'call failed with EBADF'],
    );
  }
  assert.throws(() => epollWait(-1, events, MAX, 0), /EBADF/);
});

test('poll tells which of the two is readable', () => {
  const [first, second] = [createEventCounter(), createEventCounter()];
  assert.is(pollTwo(first, second, 0), POLL_NEITHER);
  signalEventCounter(second);
  assert.is(pollTwo(first, second, -1), POLL_SECOND);
  signalEventCounter(first);
  assert.is(pollTwo(first, second, -1), POLL_FIRST | POLL_SECOND);
  resetEventCounter(second);
  assert.is(pollTwo(first, second, -1), POLL_FIRST);
  assert.is(pollTwo(first, -1, 0), POLL_FIRST, 'a negative number is passed over');
  resetEventCounter(first);
  assert.is(pollTwo(first, second, 0), POLL_NEITHER, 'what was ready before is forgotten');
  for (const fd of [first, second]) closeDescriptor(fd);
});

test('an epoll set is readable in poll while an event of it is not taken, which is how the leader waits', () => {
  const [fd, other] = [createEventCounter(), createEventCounter()];
  epollAdd(set, fd, 1, EPOLLIN | EPOLLET);
  assert.is(pollTwo(set, other, 0), POLL_NEITHER);
  signalEventCounter(fd);
  for (let looks = 0; looks < 2; looks++) assert.is(pollTwo(set, other, -1), POLL_FIRST);
  ready();
  assert.is(pollTwo(set, other, 0), POLL_NEITHER);
  for (const each of [fd, other]) closeDescriptor(each);
});

test.run();
