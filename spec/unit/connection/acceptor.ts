/** The acceptor and the ends of connections, step by step: in this thread where that suffices, and in one that is killed. */
import { closeSync, openSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Acceptor, PLACE_TAKEN } from '../../../lib/connection/acceptor.js';
import { closeConnection, FIRST_CLOSING } from '../../../lib/connection/close.js';
import { TCP_CONNECTION, type ThreadContext } from '../../../lib/connection/event-handler.js';
import { openConnections, resumeAccepting } from '../../../lib/connection/listeners.js';
import type { SharedState } from '../../../lib/control/recovery.js';
import { readCounters } from '../../../lib/memory/counters.js';
import {
  ACCEPT_SUSPENDED,
  ACCEPTING,
  CLOSING,
  CONNECTIONS,
  SUSPENSIONS,
  threadArea,
} from '../../../lib/memory/layout.js';
import type { HandleSet } from '../../../lib/set/handle-set.js';
import { BROKEN, ENTERED, eventBits, FREE, IDLE, READABLE } from '../../../lib/set/handle-table.js';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { acceptConnection, localAddress } from '../../../lib/sys/socket.js';
import { makeContext } from '../../support/set/context.js';
import { isOpen } from '../../support/set/native.js';
import { DONE, load, STOPPED } from '../../support/set/scratch.js';
import { TestSet } from '../../support/set/test-set.js';
import { listen } from '../../support/set/traffic.js';

/** The thread that the spec is, or that dies. */
const SELF = 0;
const OTHER = 1;
/** More clients than one dispatch takes. */
const BACKLOG = 200;

interface Scene {
  readonly set: TestSet;
  readonly listener: ReturnType<typeof listen>;
  readonly context: ThreadContext;
  readonly acceptor: Acceptor;
  readonly shared: SharedState;
  readonly log: string[];
  /** The acceptor dispatches an event. */
  dispatch(): void;
}

/** A listening handle in a set of two places, and an acceptor in this thread. */
function scene(use: (scene: Scene) => Promise<void>, maxConnections = 1000): () => Promise<void> {
  return async () => {
    const set = new TestSet(2);
    const listener = listen(BACKLOG);
    try {
      const { fd } = listener;
      set.listen(fd);
      const log: string[] = [];
      const context = makeContext(set, SELF, { maxConnections }, (level, message) =>
        log.push(`${level}: ${message}`),
      );
      const acceptor = new Acceptor(context);
      const dispatch = () => {
        assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, SELF), ENTERED);
        acceptor.handleEvent(fd);
      };
      set.shared = set.sharedStateOf(localAddress(fd)!);
      await use({ set, listener, context, acceptor, shared: set.shared, log, dispatch });
    } finally {
      await set.close();
      listener.close();
    }
  };
}

/** Connects clients and accepts them. @returns the descriptors of the server's side */
async function accepted({ set, listener, dispatch }: Scene, count: number): Promise<number[]> {
  for (let client = 0; client < count; client++) await listener.client();
  const before = connectionsOf(set);
  dispatch();
  return connectionsOf(set).filter((fd) => !before.includes(fd));
}

const connectionsOf = ({ table }: TestSet): number[] =>
  Array.from({ length: table.end() }, (_, fd) => fd).filter(
    (fd) => table.state(fd) !== FREE && table.kind(fd) === TCP_CONNECTION,
  );

/** The events that the kernel has ready, by descriptor. */
function eventsOf(handles: HandleSet): Map<number, number> {
  const events = new Map<number, number>();
  handles.ready.refill();
  while (handles.ready.take()) events.set(handles.ready.fd, eventBits(handles.ready.events));
  return events;
}

const closing = (set: TestSet, thread: number) => set.words[threadArea(thread) + CLOSING]!;
const countsOf = (set: TestSet, thread: number) => readCounters(set.memory.control, thread);

test('a thread may end at any step of a close: the connection counts as closed once, and its descriptor is closed', async () => {
  for (let step = 1, complete = false; !complete; step++) {
    await scene(async (all) => {
      const { set } = all;
      const [fd] = (await accepted(all, 1)) as [number];
      const victim = await set.start(OTHER, { role: 'commanded', steps: true });
      assert.is(victim.run('claim', fd, set.table.generation(fd), READABLE), ENTERED);
      victim.begin('closeConnection', [fd], step).settle([STOPPED, DONE]);
      complete = victim.status === DONE;
      await set.kill(OTHER);
      const lost = set.recover(OTHER);
      assert.is(load(set.words, CONNECTIONS), 0, `step ${step}`);
      assert.is(openConnections(set.words, 0), 0, `step ${step}`);
      assert.is(countsOf(set, OTHER).closed, 1, `step ${step}`);
      assert.is(set.table.state(fd), FREE);
      assert.not(isOpen(fd), `step ${step}: the descriptor`);
      assert.is(closing(set, OTHER), 0);
      if (complete) assert.ok(step > 4 && lost === 0, `there are ${step} steps`);
      assert.is(set.recover(OTHER), 0, 'doing it again finds nothing');
      assert.is(load(set.words, CONNECTIONS), 0);
    })();
  }
});

/** What a thread that died between the end of the record and close(2) leaves. */
async function cutBeforeClose(all: Scene): Promise<number> {
  const { set } = all;
  const [fd] = (await accepted(all, 1)) as [number];
  assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, OTHER), ENTERED);
  set.words[threadArea(OTHER) + CLOSING] = FIRST_CLOSING + fd;
  set.table.close(fd);
  return fd;
}

test(
  'the number of a cut close that a file has got since is left alone',
  scene(async (all) => {
    const fd = await cutBeforeClose(all);
    closeDescriptor(fd);
    const file = openSync('/proc/self/stat', 'r');
    assert.is(file, fd, 'the lowest free number');
    all.set.recover(OTHER);
    assert.ok(isOpen(file));
    assert.is(load(all.set.words, CONNECTIONS), 0);
    closeSync(file);
  }),
);

test(
  'the number of a cut close that another connection has got since is left alone',
  scene(async (all) => {
    const { set, listener } = all;
    const fd = await cutBeforeClose(all);
    // First, as it takes a number, too.
    await listener.client();
    closeDescriptor(fd);
    all.dispatch();
    assert.is(set.table.state(fd), IDLE);
    set.recover(OTHER);
    assert.ok(isOpen(fd));
    assert.is(set.table.state(fd), IDLE);
    assert.is(load(set.words, CONNECTIONS), 1);
    assert.is(countsOf(set, OTHER).closed, 1);
  }),
);

test(
  'the number of a cut close that an acceptor is just taking is looked at again later',
  scene(async (all) => {
    const { set, listener, shared } = all;
    const fd = await cutBeforeClose(all);
    await listener.client();
    closeDescriptor(fd);
    // Between accept4 and the note.
    const accepting = threadArea(SELF) + ACCEPTING;
    set.words[accepting] = PLACE_TAKEN;
    assert.is(acceptConnection(listener.fd), fd);
    set.recover(OTHER);
    assert.ok(isOpen(fd), 'it is the acceptor who has it');
    set.table.open(fd, TCP_CONNECTION, 0, SELF);
    set.words[accepting] = 0;
    shared.strays.close();
    assert.ok(isOpen(fd));
    closeConnection(all.context, fd);
  }),
);

test(
  'a descriptor that a dead thread left open is closed later when an acceptor might have had it',
  scene(async (all) => {
    const { set, shared } = all;
    const fd = await cutBeforeClose(all);
    const accepting = threadArea(SELF) + ACCEPTING;
    set.words[accepting] = PLACE_TAKEN;
    set.recover(OTHER);
    assert.ok(isOpen(fd));
    assert.is(load(set.words, CONNECTIONS), 0, 'it counts as closed at once');
    set.words[accepting] = 0;
    shared.strays.close();
    assert.not(isOpen(fd));
  }),
);

test(
  'a connection that a dead thread had accepted and not noted is found and closed, and one that a living thread closes is not',
  scene(async (all) => {
    const { set, listener, shared } = all;
    const [closed] = (await accepted(all, 1)) as [number];
    // The living one is between the end of the record and close(2).
    set.words[threadArea(SELF) + CLOSING] = FIRST_CLOSING + closed;
    set.table.claim(closed, set.table.generation(closed), READABLE, SELF);
    set.table.close(closed);
    await listener.client();
    Atomics.add(set.words, CONNECTIONS, 1);
    set.words[threadArea(OTHER) + ACCEPTING] = PLACE_TAKEN;
    const lost = acceptConnection(listener.fd);
    set.recover(OTHER);
    assert.not(isOpen(lost));
    assert.ok(isOpen(closed));
    assert.ok(isOpen(listener.fd));
    closeDescriptor(closed);
    Atomics.sub(set.words, CONNECTIONS, 1);
    set.words[threadArea(SELF) + CLOSING] = 0;
    shared.strays.close();
    assert.is(load(set.words, CONNECTIONS), 0);
  }),
);

test(
  'connections that recovery closes are counted as closed',
  scene(async (all) => {
    const { set } = all;
    const fds = await accepted(all, 3);
    for (const fd of fds) set.table.claim(fd, set.table.generation(fd), READABLE, OTHER);
    assert.is(set.recover(OTHER), 3);
    assert.is(countsOf(set, OTHER).closed, 3);
    assert.is(load(set.words, CONNECTIONS), 0);
  }),
);

test(
  'a connection that closes while accepting is being suspended resumes it',
  scene(async (all) => {
    const { set, listener, context } = all;
    const [first] = (await accepted(all, 1)) as [number];
    await listener.client();
    const { handles } = context;
    resumeAccepting(set.words, handles);
    const suspend = handles.suspendHandle.bind(handles);
    handles.suspendHandle = (fd) => {
      // The last moment at which a thread that closes a connection does not see that accepting is suspended.
      set.table.claim(first, set.table.generation(first), READABLE, SELF);
      closeConnection(context, first);
      suspend(fd);
    };
    eventsOf(set.handles);
    all.dispatch();
    assert.is(load(set.words, ACCEPT_SUSPENDED), 0);
    assert.ok(eventsOf(set.handles).has(listener.fd), 'the kernel reports who waits');
    handles.suspendHandle = suspend;
    all.dispatch();
    assert.is(load(set.words, CONNECTIONS), 1);
  }, 1),
);

test(
  'suspending at every turnover is counted and not logged',
  scene(async (all) => {
    const { set, context, log } = all;
    for (let turn = 1; turn <= 50; turn++) {
      const [fd] = (await accepted(all, 1)) as [number];
      assert.is(load(set.words, SUSPENSIONS), turn);
      set.table.claim(fd, set.table.generation(fd), READABLE, SELF);
      closeConnection(context, fd);
    }
    assert.equal(log, []);
  }, 1),
);

test(
  'a dispatch ends although clients keep connecting, and those in the queue are reported again',
  scene(async (all) => {
    const { set, listener, context } = all;
    const { handles } = context;
    for (let client = 0; client < BACKLOG; client++) await listener.client();
    let dispatches = 0;
    for (; load(set.words, CONNECTIONS) < BACKLOG; dispatches++) {
      const before = load(set.words, CONNECTIONS);
      // Each look for what was noted finds something, as if clients connected all the time.
      const { table } = set;
      let looks = 0;
      const leave = context.table.leave.bind(context.table);
      context.table.leave = (fd) => {
        if (fd === listener.fd && looks++ < 10) table.claim(fd, table.generation(fd), READABLE, OTHER);
        return leave(fd);
      };
      all.dispatch();
      context.table.leave = leave;
      assert.ok(load(set.words, CONNECTIONS) - before <= 64, 'a dispatch has a budget');
      assert.is(set.table.state(listener.fd), IDLE);
      if (load(set.words, CONNECTIONS) < BACKLOG) assert.ok(eventsOf(handles).has(listener.fd));
    }
    assert.ok(dispatches >= 4);
  }),
);

test(
  'when the kernel hands out the number of a connection that the app closed, both are ended in the usual way',
  scene(async (all) => {
    const { set, listener, context, log } = all;
    const [fd] = (await accepted(all, 1)) as [number];
    eventsOf(set.handles);
    const client = await listener.client();
    closeDescriptor(fd);
    client.write('a secret of the new client');
    const ended = new Promise((resolve) =>
      client
        .on('close', resolve)
        .on('error', () => {})
        .resume(),
    );
    all.dispatch();
    await ended;
    assert.match(log.join(), /error: the descriptor of a connection was closed by something else/);
    assert.is(load(set.words, CONNECTIONS), 1, 'the old one is not ended yet');
    assert.ok((eventsOf(set.handles).get(fd) ?? 0) & BROKEN, 'its owner is told');
    set.table.claim(fd, set.table.generation(fd), BROKEN, SELF);
    closeConnection(context, fd);
    assert.is(load(set.words, CONNECTIONS), 0);
    const { accepted: count, closed } = countsOf(set, SELF);
    assert.equal([count, closed], [2, 2]);
    await listener.client();
    all.dispatch();
    assert.is(load(set.words, CONNECTIONS), 1, 'service continues');
  }),
);

test.run();
