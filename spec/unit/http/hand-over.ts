/** Which requests are handed over, and what arrives at the thread that takes them. */
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ThreadContext } from '../../../lib/connection/event-handler.js';
import { HANDED_OVER, REPORTED, TO_FREE_THREAD, TO_HOST } from '../../../lib/connection/flags.js';
import { otherThreads } from '../../../lib/http/hand-over.js';
import type { Route } from '../../../lib/http/routes.js';
import { DROPPED, HAND_OVERS, HAND_OVERS_TAKEN } from '../../../lib/memory/counters.js';
import {
  BLOCK_BYTES,
  CURRENT_FD,
  ENGAGED,
  LEADER,
  PARKED,
  STATE,
  threadArea,
} from '../../../lib/memory/layout.js';
import { Engagement, NO_DEPENDANT, WAITS, WAITS_TO_BLOCK } from '../../../lib/set/engagement.js';
import { flagsOf, setFlag } from '../../../lib/set/handle-record.js';
import { BOUND, BROKEN, FREE, IDLE, PEER_ENDED } from '../../../lib/set/handle-table.js';
import { FOLLOWER, PROCESSING } from '../../../lib/set/thread-state.js';
import { HandlerHarness } from '../../support/connection/handler-harness.js';
import { range, until } from '../../support/server/wait.js';
import { TestSet } from '../../support/set/test-set.js';

// ---- which threads a request is for ----------------------------------------------------------------------------------------

/** Of three threads: 0 is a host on any machine, 2 on none. */
const [HOST, OTHER, NO_HOST] = [0, 1, 2];

interface Situation {
  readonly self: number;
  readonly blocks?: boolean;
  /** What depends on the thread, and which of it is the request's own connection. */
  readonly dependants?: number[];
  readonly own?: number;
  /** Another thread is engaged. */
  readonly otherEngaged?: boolean;
  /** Threads that are parked. The others are inside connections. */
  readonly parked?: number[];
  /** Threads that are awake, and inside of no connection. */
  readonly awake?: number[];
}

const CASES: readonly (readonly [name: string, to: number, situation: Situation])[] = [
  // Of a blocking route.
  ['no thread depends on this one', 0, { self: HOST, blocks: true, parked: [NO_HOST], otherEngaged: true }],
  ['one does', TO_FREE_THREAD, { self: HOST, blocks: true, parked: [NO_HOST], dependants: [WAITS] }],
  [
    'and this is no host',
    TO_FREE_THREAD,
    { self: NO_HOST, blocks: true, parked: [HOST], dependants: [WAITS] },
  ],
  ['no thread is free', 0, { self: HOST, blocks: true, dependants: [WAITS] }],
  ['only handlers that block do', 0, { self: HOST, blocks: true, parked: [2], dependants: [WAITS_TO_BLOCK] }],
  [
    'only its own connection does',
    0,
    { self: HOST, blocks: true, parked: [2], dependants: [WAITS], own: WAITS },
  ],
  [
    'another connection does as well',
    TO_FREE_THREAD,
    { self: HOST, blocks: true, parked: [NO_HOST], dependants: [WAITS, WAITS], own: WAITS },
  ],
  // Of another route.
  [
    'this is no host, and a thread is engaged',
    TO_HOST,
    { self: NO_HOST, parked: [HOST], otherEngaged: true },
  ],
  ['this is no host, and engaged itself', TO_HOST, { self: NO_HOST, parked: [HOST], dependants: [WAITS] }],
  ['no thread is engaged', 0, { self: NO_HOST, parked: [HOST] }],
  ['threads are reserved only', 0, { self: NO_HOST, parked: [HOST], dependants: [WAITS_TO_BLOCK] }],
  ['this is a host', 0, { self: HOST, parked: [OTHER, NO_HOST], otherEngaged: true, dependants: [WAITS] }],
  ['no host is free', 0, { self: NO_HOST, otherEngaged: true, awake: [NO_HOST] }],
];

for (const [name, to, { self, blocks = false, dependants = [], own = NO_DEPENDANT, ...rest }] of CASES) {
  const kinds: Record<number, string> = {
    0: 'this thread',
    [TO_FREE_THREAD]: 'a free thread',
    [TO_HOST]: 'a host',
  };
  test(`${name}: a request ${blocks ? 'known to block ' : ''}is for ${kinds[to]}`, async () => {
    const { otherEngaged = false, parked = [], awake = [] } = rest;
    const set = new TestSet(3);
    const { words, lot } = set;
    for (const thread of range(3)) {
      const parks = parked.includes(thread);
      words[threadArea(thread) + STATE] = parks ? FOLLOWER : PROCESSING;
      words[threadArea(thread) + CURRENT_FD] = parks || awake.includes(thread) ? -1 : 999;
      if (parks) words[PARKED]! |= 1 << thread;
    }
    if (otherEngaged) words[ENGAGED] = 1 << OTHER;
    const options = { threads: 3, cores: 2, timeoutMs: () => -1 };
    const engagement = new Engagement(set.memory.control, self, options);
    for (const dependant of dependants) engagement.change(NO_DEPENDANT, dependant);
    const context = { handsOver: true, lot, engagement, recorder: { micros: 0 } } as ThreadContext;
    const route: Route = { hash: 0, declared: undefined, blocks };
    assert.is(otherThreads(context, route, own), to);
    assert.equal(set.parked(), parked, 'none is claimed');
    await set.close();
  });
}

// ---- what arrives ------------------------------------------------------------------------------------------------------------

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;

/** A thread that is engaged, while another one leads that is not: requests of /block are handed over. */
class Engaged implements Disposable {
  readonly called: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly harness: HandlerHarness;
  client!: Socket;
  fd = -1;
  got = '';

  constructor(answer: () => string | Promise<string> = () => 'answer') {
    const routes = { blocking: ['/block'] };
    this.harness = HandlerHarness.http(
      (request) => {
        this.called.push(new URL(request.url).pathname);
        this.signals.push(request.signal);
        return answer() as never;
      },
      { routes },
    );
    this.harness.control[LEADER] = 1 + OTHER;
    this.harness.context.engagement.change(NO_DEPENDANT, WAITS);
  }

  /** Has the thread receive requests until it hands one over. */
  async handOver(requests: string): Promise<void> {
    const { client, fd } = await this.harness.connect();
    [this.client, this.fd] = [client, fd];
    client.on('data', (bytes) => {
      this.got += bytes;
    });
    client.write(requests);
    await until('it is handed over', () => {
      this.harness.event(fd);
      return this.flags(HANDED_OVER) !== 0;
    });
  }

  flags(flags: number): number {
    return flagsOf(this.harness.context.table, this.fd, flags);
  }

  /** Connections handed over, and taken. */
  counts(): number[] {
    const { counters } = this.harness.context;
    return [counters[HAND_OVERS]!, counters[HAND_OVERS_TAKEN]!];
  }

  [Symbol.dispose](): void {
    this.harness[Symbol.dispose]();
  }
}

test('a request is handed over once: the thread that takes it calls the handler, although others depend on it', async () => {
  using thread = new Engaged();
  await thread.handOver(get('/block'));
  const { harness, fd } = thread;
  assert.equal(thread.called, []);
  assert.is(harness.context.table.state(fd), IDLE);
  assert.is(thread.flags(HANDED_OVER), TO_FREE_THREAD);
  assert.ok(harness.context.pool.inUse() > 0, 'the request is saved');
  assert.equal(thread.counts(), [1, 0]);
  harness.event(fd);
  assert.equal(thread.called, ['/block']);
  assert.is(thread.flags(HANDED_OVER | REPORTED), 0);
  assert.equal(thread.counts(), [1, 1]);
  assert.is(harness.context.pool.inUse(), 0);
  await until('it is answered', () => thread.got.endsWith('answer'));
});

test('requests before and behind it are processed in order, and the next one is handed over by itself', async () => {
  using thread = new Engaged();
  await thread.handOver(['/1', '/block', '/2', '/block?again', '/3'].map(get).join(''));
  const { harness, fd } = thread;
  assert.equal(thread.called, ['/1']);
  harness.event(fd);
  assert.equal(thread.called, ['/1', '/block', '/2']);
  assert.is(thread.flags(HANDED_OVER), TO_FREE_THREAD);
  harness.event(fd);
  assert.equal(thread.called, ['/1', '/block', '/2', '/block', '/3']);
  assert.equal(thread.counts(), [2, 2]);
  await until('all are answered', () => thread.got.split('answer').length === 6);
});

test('a client that has ended its side when the connection was passed on: the handler is told', async () => {
  using thread = new Engaged(() => new Promise<string>(() => {}));
  await thread.handOver(get('/block'));
  const { harness, fd } = thread;
  // As the leader does.
  setFlag(harness.context.table, fd, PEER_ENDED);
  harness.event(fd);
  assert.equal(thread.called, ['/block']);
  assert.ok(thread.signals[0]!.aborted);
  assert.is(harness.context.table.state(fd), BOUND);
  assert.is(thread.flags(HANDED_OVER | REPORTED), 0, 'the next event is not taken for this one');
});

test('a client that stays is not taken for one that has ended', async () => {
  using thread = new Engaged(() => new Promise<string>(() => {}));
  await thread.handOver(get('/block'));
  thread.harness.event(thread.fd);
  assert.equal(
    thread.signals.map(({ aborted }) => aborted),
    [false],
  );
});

test('a connection that was broken when it was passed on is closed, and no handler called', async () => {
  using thread = new Engaged();
  await thread.handOver(get('/block'));
  const { harness, fd } = thread;
  setFlag(harness.context.table, fd, BROKEN);
  harness.event(fd);
  assert.equal(thread.called, []);
  assert.is(harness.context.table.state(fd), FREE);
  assert.is(harness.context.counters[DROPPED], 0, 'by the client');
  assert.is(harness.context.pool.inUse(), 0);
});

test('where the pool is exhausted, the request is processed by the thread that has received it', async () => {
  using thread = new Engaged();
  const { harness } = thread;
  while (harness.context.pool.save(new Uint8Array(BLOCK_BYTES), 0, BLOCK_BYTES) !== 0) {}
  const { client, fd } = await harness.connect();
  client.write(get('/block'));
  await until('it is processed', () => {
    harness.event(fd);
    return thread.called.length > 0;
  });
  assert.equal(thread.counts(), [0, 0]);
});

test('where threads are no peers, every request stays', () => {
  const context = { handsOver: false } as ThreadContext;
  assert.is(otherThreads(context, { blocks: true } as Route, NO_DEPENDANT), 0);
});

test.run();
