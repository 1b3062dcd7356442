/** Dealing: new connections go to the thread with the least load, and its count is right whatever ends the thread that changes it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Acceptor } from '../../../lib/connection/acceptor.js';
import { closeConnection } from '../../../lib/connection/close.js';
import {
  deal,
  HELD_MICROS,
  loadOf,
  ownConnections,
  ownConnectionsWord,
  processes,
  waits,
} from '../../../lib/connection/dealing.js';
import { TCP_CONNECTION } from '../../../lib/connection/event-handler.js';
import { openConnections } from '../../../lib/connection/listeners.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { CONNECTIONS, PROCESSING_SINCE, STATE, threadArea } from '../../../lib/memory/layout.js';
import { ENTERED, FREE, READABLE } from '../../../lib/set/handle-table.js';
import { DEAD, LEADER_STATE, PROCESSING, STARTING } from '../../../lib/set/thread-state.js';
import { nowMicros } from '../../../lib/sys/clock.js';
import { localAddress } from '../../../lib/sys/socket.js';
import { makeContext } from '../../support/set/context.js';
import { DONE, STOPPED } from '../../support/set/scratch.js';
import { TestSet } from '../../support/set/test-set.js';
import { listen } from '../../support/set/traffic.js';

const THREADS = 4;
const WORKERS = [1, 2, 3];

/** What a thread of the spec does, and how many connections it has. */
interface Worker {
  readonly connections?: number;
  readonly state?: number;
  /** For how long it has been inside a handler; absent while it waits. */
  readonly insideMicros?: number;
}

/** @returns the words of a set whose threads from 1 on are such */
function wordsOf(...workers: Worker[]): Int32Array {
  const words = new Int32Array(allocateMemory(workers.length + 1, 1024).control);
  for (const [index, { connections = 0, state = LEADER_STATE, insideMicros }] of workers.entries()) {
    const thread = index + 1;
    words[threadArea(thread) + STATE] = state;
    words[ownConnectionsWord(thread)] = connections;
    if (insideMicros === undefined) waits(words, thread);
    else processes(words, thread, nowMicros() - insideMicros);
  }
  return words;
}

const chosen = (...workers: Worker[]): number => deal(wordsOf(...workers), workers.length + 1);

const LONG = 10 * HELD_MICROS;

test('a connection goes to the thread with the fewest, among equals to the lowest number', () => {
  assert.is(chosen({}, {}, {}), 1);
  assert.is(chosen({ connections: 3 }, { connections: 1 }, { connections: 2 }), 2);
  assert.is(chosen({ connections: 3 }, { connections: 2 }, { connections: 2 }), 2);
  assert.is(chosen({ connections: 500 }), 1, 'there is no other');
});

test('among those with as many, it goes to one that waits', () => {
  const words = wordsOf({}, {});
  processes(words, 1, nowMicros());
  // However late this comes, thread 1 counts as one that processes, or as one that is held.
  assert.is(deal(words, 3), 2);
  waits(words, 1);
  assert.is(deal(words, 3), 1);
});

test('a thread that is inside a long handler gets none while another is not', () => {
  assert.is(chosen({ insideMicros: LONG }, { connections: 1000 }, { connections: 2000 }), 2);
  assert.is(chosen({ insideMicros: LONG, connections: 1 }, { insideMicros: LONG }), 2, 'all are held');
  // Half of the range of the word, and nearly all of it.
  for (const micros of [2 ** 31, 2 ** 32 - 1e6]) {
    assert.is(chosen({ insideMicros: micros }, { connections: 5 }), 2, `${micros}`);
  }
});

test('a thread that is dead or starts gets none while any other takes part', () => {
  for (const state of [DEAD, STARTING]) {
    assert.is(chosen({ state }, { connections: 1000 }), 2);
    assert.is(
      chosen({ state }, { insideMicros: LONG, state: PROCESSING, connections: 9 }),
      2,
      'even if held',
    );
    assert.is(chosen({ state, connections: 1 }, { state }), 2);
  }
});

test('a time of the handler that has just begun is no long one, though the word rounds it up', () => {
  const words = wordsOf({});
  const load = (micros: number) => {
    words[threadArea(1) + PROCESSING_SINCE] = micros | 0 | 1;
    return loadOf(words, 1);
  };
  // The clock goes on between the two readings, so some of these are even and rounded up.
  for (let times = 0; times < 50; times++) {
    const before = nowMicros();
    const isShort = load(nowMicros()) === 1;
    assert.ok(isShort || nowMicros() - before > HELD_MICROS);
  }
});

/** A set of threads with sets of their own, a listening socket, and an acceptor in this thread, which is thread 0. */
async function withAcceptor(
  use: (scene: {
    set: TestSet;
    listener: ReturnType<typeof listen>;
    accept: () => void;
    close: (fd: number) => void;
    connections: () => number[];
  }) => Promise<void>,
): Promise<void> {
  const set = new TestSet(THREADS, { hasOwnSets: true });
  const listener = listen();
  const { fd: socket } = listener;
  try {
    set.listen(socket);
    set.shared = set.sharedStateOf(localAddress(socket)!);
    for (const thread of WORKERS) set.words[threadArea(thread) + STATE] = LEADER_STATE;
    const context = makeContext(set, 0, { maxConnections: 1000 });
    const acceptor = new Acceptor(context);
    const accept = () => {
      assert.is(set.table.claim(socket, set.table.generation(socket), READABLE, 0), ENTERED);
      acceptor.handleEvent(socket);
    };
    const close = (fd: number) => {
      assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, 0), ENTERED);
      closeConnection(context, fd);
    };
    const connections = () =>
      Array.from({ length: set.table.end() }, (_, fd) => fd).filter(
        (fd) => set.table.state(fd) !== FREE && set.table.kind(fd) === TCP_CONNECTION,
      );
    await use({ set, listener, accept, close, connections });
  } finally {
    await set.close();
    listener.close();
  }
}

const counts = ({ words }: TestSet): number[] => WORKERS.map((thread) => ownConnections(words, thread));

test('accepted connections are dealt evenly, each is in the set of the thread that counts it, and closing evens out', () =>
  withAcceptor(async ({ set, listener, accept, close, connections }) => {
    for (let client = 0; client < 9; client++) await listener.client();
    accept();
    assert.equal(counts(set), [3, 3, 3]);
    const of = (thread: number) => connections().filter((fd) => set.table.set(fd) === thread);
    assert.equal(
      WORKERS.map((thread) => of(thread).length),
      [3, 3, 3],
    );
    for (const fd of of(2)) close(fd);
    assert.equal(counts(set), [3, 0, 3]);
    for (let client = 0; client < 3; client++) await listener.client();
    accept();
    assert.equal(counts(set), [3, 3, 3]);
    for (const fd of connections()) close(fd);
    assert.equal([...counts(set), set.words[CONNECTIONS]], [0, 0, 0, 0]);
  }));

test('the acceptor may end at any step: what it had dealt is counted and in a set, or neither', async () => {
  for (let step = 1, complete = false; !complete; step++) {
    await withAcceptor(async ({ set, listener, connections }) => {
      const { fd } = listener;
      const client = await listener.client();
      client.on('error', () => {});
      const victim = await set.start(0, { role: 'commanded', steps: true });
      victim.begin('accept', [fd, set.table.generation(fd)], step).settle([STOPPED, DONE]);
      complete = victim.status === DONE;
      await set.kill(0);
      set.recover(0);
      const open = connections();
      const inSets = WORKERS.map((thread) => open.filter((one) => set.table.set(one) === thread).length);
      assert.equal(counts(set), inSets, `step ${step}`);
      assert.is(set.words[CONNECTIONS], open.length, `step ${step}`);
      assert.is(openConnections(set.words, 0), open.length, `step ${step}`);
      if (complete) assert.is(open.length, 1, `there are ${step} steps`);
    });
  }
});

test('a thread may end at any step of a close: its set counts the connection no longer', async () => {
  for (let step = 1, complete = false; !complete; step++) {
    await withAcceptor(async ({ set, listener, accept, connections }) => {
      for (let client = 0; client < 3; client++) await listener.client();
      accept();
      const fd = connections().find((one) => set.table.set(one) === 2)!;
      const victim = await set.start(2, { role: 'commanded', steps: true });
      assert.is(victim.run('claim', fd, set.table.generation(fd), READABLE), ENTERED);
      victim.begin('closeConnection', [fd], step).settle([STOPPED, DONE]);
      complete = victim.status === DONE;
      await set.kill(2);
      set.recover(2);
      assert.equal(counts(set), [1, 0, 1], `step ${step}`);
      assert.is(set.words[CONNECTIONS], 2, `step ${step}`);
      set.recover(2);
      assert.equal(counts(set), [1, 0, 1], 'doing it again finds nothing');
    });
  }
});

test.run();
