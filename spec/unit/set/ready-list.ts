/** The ready list: one wait of the kernel serves many leaders, and a rescan finds what may have been lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { READY_CAPACITY, RESCAN } from '../../../lib/memory/layout.js';
import { INTEREST_INPUT } from '../../../lib/set/handle-set.js';
import { READABLE, STALE } from '../../../lib/set/handle-table.js';
import { closeDescriptor, signalEventCounter } from '../../../lib/sys/descriptor.js';
import { EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../../lib/sys/epoll.js';
import { shutdownSending, transmit } from '../../../lib/sys/socket.js';
import { socketPair, takeCount } from '../../support/set/native.js';
import { TestSet, type TestThread, withSet } from '../../support/set/test-set.js';

/** Takes all that is in the list, by the spec's own thread. */
function takeAll({ handles: { ready } }: TestSet): { fd: number; generation: number; events: number }[] {
  const taken = [];
  while (ready.take()) taken.push({ fd: ready.fd, generation: ready.generation, events: ready.events });
  return taken;
}

const alone = (spec: (set: TestSet) => void) => async (): Promise<void> => {
  const set = new TestSet(1);
  try {
    spec(set);
  } finally {
    await set.close();
  }
};

test(
  'what one leader has taken from the kernel is taken by the next ones, each event once',
  withSet(3, async (set) => {
    await set.startAll();
    const fds = Array.from({ length: 30 }, () => set.connect());
    for (const fd of fds) signalEventCounter(fd);
    const lead = (thread: TestThread, command: string): number => {
      assert.is(thread.run('join'), 1);
      const result = thread.run(command);
      thread.run('promote');
      return result;
    };
    assert.is(lead(set.threads[0]!, 'refill'), fds.length);
    const taken = fds.map((_, index) => lead(set.threads[index % 3]!, 'take'));
    assert.equal(
      taken.sort((a, b) => a - b),
      fds,
    );
    assert.is(lead(set.threads[1]!, 'take'), -1);
    assert.is(lead(set.threads[2]!, 'refill'), 0, 'the kernel reports a change once');
  }),
);

test(
  'an event carries the descriptor and its generation',
  alone((set) => {
    const fd = set.connect();
    set.table.claim(fd, set.table.generation(fd), READABLE, 0);
    set.handles.unregisterHandle(fd);
    set.handles.registerHandle(fd, 0, EPOLLIN);
    signalEventCounter(fd);
    assert.is(set.handles.ready.refill(), 1);
    assert.equal(takeAll(set), [{ fd, generation: 2, events: EPOLLIN }]);
    assert.is(set.table.claim(fd, 1, READABLE, 0), STALE);
  }),
);

test(
  'more events than the list holds come with the next refill',
  alone((set) => {
    const fds = Array.from({ length: READY_CAPACITY + 50 }, () => set.connect());
    for (const fd of fds) signalEventCounter(fd);
    assert.is(set.handles.ready.refill(), READY_CAPACITY);
    const taken = takeAll(set);
    assert.is(set.handles.ready.refill(), 50);
    taken.push(...takeAll(set));
    assert.is(new Set(taken.map(({ fd }) => fd)).size, fds.length);
  }),
);

test(
  'a rescan makes an event for every handle that is in the table, in several lists if need be, and then ends',
  alone((set) => {
    const fds = Array.from({ length: READY_CAPACITY + 50 }, () => set.connect());
    const closed = fds.pop()!;
    set.table.close(closed);
    Atomics.store(set.words, RESCAN, 1);
    assert.is(set.handles.ready.refill(), READY_CAPACITY);
    assert.is(Atomics.load(set.words, RESCAN), 0);
    const found = takeAll(set);
    // A rescan requested meanwhile begins at the first handle again.
    assert.ok(set.handles.ready.refill() > 0);
    found.push(...takeAll(set));
    assert.ok(found.every(({ events }) => events === (EPOLLIN | EPOLLOUT)));
    assert.ok(found.every(({ fd, generation }) => generation === set.table.generation(fd)));
    assert.equal(
      found.map(({ fd }) => fd).sort((a, b) => a - b),
      [set.wakeUp, ...fds].sort((a, b) => a - b),
    );
    assert.is(set.handles.ready.refill(), 0);
  }),
);

test(
  'a rescan finds that peers have ended, whose events were lost, also behind input',
  alone((set) => {
    const [open, ended] = [socketPair(), socketPair()];
    try {
      for (const [fd] of [open, ended]) set.handles.registerHandle(fd, 0, INTEREST_INPUT);
      for (const [, peer] of [open, ended]) transmit(peer, Buffer.from('x'), 1);
      shutdownSending(ended[1]);
      while (set.handles.ready.refill() > 0) takeAll(set);
      Atomics.store(set.words, RESCAN, 1);
      set.handles.ready.refill();
      const found = new Map(takeAll(set).map(({ fd, events }) => [fd, events]));
      assert.is(found.get(open[0]), EPOLLIN | EPOLLOUT);
      assert.is(found.get(ended[0]), EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    } finally {
      for (const fd of [...open, ...ended]) closeDescriptor(fd);
    }
  }),
);

test(
  'the kernel is asked again behind a rescan, and its events are not lost',
  alone((set) => {
    const fd = set.connect();
    signalEventCounter(fd);
    Atomics.store(set.words, RESCAN, 1);
    assert.is(set.handles.ready.refill(), 2);
    takeAll(set);
    assert.is(set.handles.ready.refill(), 1);
    assert.equal(
      takeAll(set).map((event) => event.fd),
      [fd],
    );
  }),
);

test(
  'a suspended handle is not reported, and when it is resumed what is ready is reported again',
  alone((set) => {
    const fd = set.connect();
    signalEventCounter(fd);
    assert.is(set.handles.ready.refill(), 1);
    takeAll(set);
    set.handles.suspendHandle(fd);
    signalEventCounter(fd);
    assert.is(set.handles.ready.refill(), 0);
    set.handles.resumeHandle(fd, EPOLLIN);
    assert.is(set.handles.ready.refill(), 1);
    assert.is(takeCount(fd), 2);
  }),
);

test.run();
