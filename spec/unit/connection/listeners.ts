/** Several listeners of one set: which connections are whose, and that suspending and closing one leaves the others alone. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Acceptor } from '../../../lib/connection/acceptor.js';
import { closeConnection } from '../../../lib/connection/close.js';
import {
  HTTP_CONNECTION,
  NODE_CONNECTION,
  TCP_CONNECTION,
  type ThreadContext,
} from '../../../lib/connection/event-handler.js';
import {
  freeListener,
  isSuspended,
  kindOfConnections,
  listenerFd,
  openConnections,
  registerListener,
  resumeAccepting,
  suspendListener,
  unregisterListener,
} from '../../../lib/connection/listeners.js';
import { ACCEPT_SUSPENDED, CONNECTIONS, MAX_LISTENERS } from '../../../lib/memory/layout.js';
import { deadlineOf } from '../../../lib/set/handle-record.js';
import { ENTERED, eventBits, FREE, IDLE, READABLE, WRITABLE } from '../../../lib/set/handle-table.js';
import { closeDescriptor, duplicateDescriptor } from '../../../lib/sys/descriptor.js';
import { acceptConnection, localAddress } from '../../../lib/sys/socket.js';
import { makeContext } from '../../support/set/context.js';
import { isOpen } from '../../support/set/native.js';
import { load } from '../../support/set/scratch.js';
import { TestSet } from '../../support/set/test-set.js';
import { listen } from '../../support/set/traffic.js';

/** The thread that the spec is, and another one. */
const SELF = 0;
const OTHER = 1;
/** The numbers of the two listeners. */
const FIRST = 0;
const SECOND = 5;

interface Scene {
  readonly set: TestSet;
  readonly context: ThreadContext;
  readonly first: ReturnType<typeof listen>;
  readonly second: ReturnType<typeof listen>;
  /** The acceptor dispatches an event of a listening handle. @returns the connections that it took */
  accept(fd: number): number[];
  /** The events that the kernel has ready, by descriptor. */
  events(): Map<number, number>;
}

/** Two listeners in a set of two places: of HTTP, and of raw TCP. */
function scene(use: (scene: Scene) => Promise<void> | void, maxConnections = 1000): () => Promise<void> {
  return async () => {
    const set = new TestSet(2);
    const [first, second] = [listen(), listen()];
    try {
      set.listen(first.fd, HTTP_CONNECTION, FIRST);
      set.listen(second.fd, TCP_CONNECTION, SECOND);
      set.shared = set.sharedStateOf(localAddress(first.fd)!, localAddress(second.fd)!);
      const context = makeContext(set, SELF, { maxConnections, headersTicks: 7 });
      const acceptor = new Acceptor(context);
      const { table, handles } = set;
      const connections = () =>
        Array.from({ length: table.end() }, (_, fd) => fd).filter(
          (fd) => table.state(fd) !== FREE && [HTTP_CONNECTION, TCP_CONNECTION].includes(table.kind(fd)),
        );
      const accept = (fd: number) => {
        const before = connections();
        assert.is(table.claim(fd, table.generation(fd), READABLE, SELF), ENTERED);
        acceptor.handleEvent(fd);
        return connections().filter((connection) => !before.includes(connection));
      };
      const events = () => {
        const ready = new Map<number, number>();
        handles.ready.refill();
        while (handles.ready.take()) ready.set(handles.ready.fd, eventBits(handles.ready.events));
        return ready;
      };
      await use({ set, context, first, second, accept, events });
    } finally {
      await set.close();
      first.close();
      second.close();
    }
  };
}

/** Enters a connection, and closes it. */
function close({ set, context }: Scene, fd: number): void {
  assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, SELF), ENTERED);
  closeConnection(context, fd);
}

test(
  'a connection has the kind, the number and the first deadline of its listener, and counts there',
  scene(async (all) => {
    const { set, first, second } = all;
    const { table, words } = set;
    await first.client();
    await second.client();
    await second.client();
    const [http] = all.accept(first.fd) as [number];
    const [raw, rawToo] = all.accept(second.fd) as [number, number];
    assert.equal([table.kind(http), table.listener(http)], [HTTP_CONNECTION, FIRST]);
    assert.equal([table.kind(raw), table.listener(raw)], [TCP_CONNECTION, SECOND]);
    assert.is.not(deadlineOf(table, http), 0, 'a head is awaited');
    assert.is(deadlineOf(table, raw), 0);
    const ready = all.events();
    assert.not(ready.has(http), 'the client speaks first');
    assert.is(ready.get(raw), WRITABLE, 'the server may speak first');
    assert.equal(
      [FIRST, SECOND].map((index) => openConnections(words, index)),
      [1, 2],
    );
    assert.is(load(words, CONNECTIONS), 3);
    close(all, raw);
    assert.equal(
      [FIRST, SECOND].map((index) => openConnections(words, index)),
      [1, 1],
    );
    table.claim(rawToo, table.generation(rawToo), READABLE, OTHER);
    assert.is(set.recover(OTHER), 1);
    assert.equal(
      [FIRST, SECOND].map((index) => openConnections(words, index)),
      [1, 0],
    );
    assert.is(load(words, CONNECTIONS), 1);
  }),
);

test(
  'every listener at which accepting is suspended is resumed by the next connection that closes',
  scene(async (all) => {
    const { set, first, second } = all;
    await first.client();
    await first.client();
    await second.client();
    const [fd] = all.accept(first.fd) as [number];
    assert.equal(all.accept(second.fd), []);
    assert.equal([isSuspended(set.words, FIRST), isSuspended(set.words, SECOND)], [true, true]);
    all.events();
    close(all, fd);
    assert.is(load(set.words, ACCEPT_SUSPENDED), 0);
    const ready = all.events();
    assert.ok(ready.has(first.fd) && ready.has(second.fd), 'the kernel reports who waits at both');
  }, 1),
);

test(
  'a thread that is inside a suspended handle resumes it for the one that has closed a connection',
  scene(async (all) => {
    const { set, context, first } = all;
    for (let client = 0; client < 3; client++) await first.client();
    const fds = all.accept(first.fd);
    assert.is(fds.length, 2);
    assert.ok(isSuspended(set.words, FIRST));
    all.events();
    const leave = context.table.leave.bind(context.table);
    context.table.leave = (handle) => {
      context.table.leave = leave;
      // The last moment at which the acceptor is inside.
      for (const fd of fds) close(all, fd);
      assert.ok(isSuspended(set.words, FIRST), 'the one that closes leaves it alone');
      return leave(handle);
    };
    all.accept(first.fd);
    assert.is(openConnections(set.words, FIRST), 1, 'it accepts again');
    assert.not(isSuspended(set.words, FIRST));
    all.events();
    await first.client();
    assert.ok(all.events().has(first.fd), 'the next client is reported');
  }, 2),
);

test(
  'a thread that dies before it has resumed a handle that it entered leaves that to the next one',
  scene(async (all) => {
    const { set, context, first } = all;
    const { table, words } = set;
    await first.client();
    table.claim(first.fd, table.generation(first.fd), READABLE, OTHER);
    suspendListener(words, context.handles, FIRST, first.fd);
    resumeAccepting(words, context.handles);
    assert.ok(isSuspended(words, FIRST), 'another thread is inside');
    set.recover(OTHER);
    all.events();
    resumeAccepting(words, context.handles);
    assert.not(isSuspended(words, FIRST));
    assert.ok(all.events().has(first.fd));
  }),
);

test(
  'a listener is unregistered when no thread is inside, and its number is free once its connections are closed',
  scene(async (all) => {
    const { set, first, second } = all;
    const { table, handles, words } = set;
    await second.client();
    const [fd] = all.accept(second.fd) as [number];
    assert.is(table.claim(second.fd, table.generation(second.fd), READABLE, OTHER), ENTERED);
    suspendListener(words, handles, SECOND, second.fd);
    assert.not(unregisterListener(words, handles, SECOND));
    assert.is(table.leave(second.fd), 0, 'the try leaves no event behind');
    assert.ok(unregisterListener(words, handles, SECOND));
    assert.equal([listenerFd(words, SECOND), table.state(second.fd)], [-1, FREE]);
    assert.is(load(words, ACCEPT_SUSPENDED), 0);
    assert.ok(isOpen(second.fd), 'the socket is the caller’s');
    assert.ok(unregisterListener(words, handles, SECOND), 'again does nothing');
    for (let index = freeListener(words); index !== -1; index = freeListener(words)) {
      assert.is.not(index, SECOND, 'a connection names it still');
      registerListener(words, handles, { index, fd: duplicateDescriptor(first.fd), kind: NODE_CONNECTION });
    }
    close(all, fd);
    assert.is(freeListener(words), SECOND);
    assert.is(kindOfConnections(words, MAX_LISTENERS - 1), NODE_CONNECTION);
    for (let index = 1; index < MAX_LISTENERS; index++) {
      const own = listenerFd(words, index);
      assert.ok(unregisterListener(words, handles, index));
      if (own >= 0) closeDescriptor(own);
    }
  }),
);

test(
  'the number of a suspended listener may be given to another one at any time: nothing else is resumed',
  scene(async (all) => {
    const { set, context, second } = all;
    const { table, words } = set;
    suspendListener(words, set.handles, SECOND, second.fd);
    const claim = context.table.claim.bind(context.table);
    const { handles } = context;
    context.table.claim = (...event) => {
      context.table.claim = claim;
      assert.ok(unregisterListener(words, set.handles, SECOND));
      // The number of the descriptor is a connection's by now.
      table.open(second.fd, TCP_CONNECTION);
      table.leave(second.fd);
      return claim(...event);
    };
    resumeAccepting(words, handles);
    assert.is(table.state(second.fd), IDLE);
    assert.is(table.claim(second.fd, table.generation(second.fd), 0, SELF), ENTERED);
    assert.is(table.leave(second.fd), 0, 'no event was noted there');
  }),
);

test(
  'a second descriptor of a connection that a thread owns is left alone where strays are looked for',
  scene(async (all) => {
    const { set, second } = all;
    const { table, shared } = set;
    await second.client();
    await second.client();
    const [bound, closed] = all.accept(second.fd) as [number, number];
    table.claim(bound, table.generation(bound), READABLE, SELF);
    table.bind(bound, SELF);
    const double = duplicateDescriptor(bound);
    await second.client();
    const lost = acceptConnection(second.fd);
    close(all, closed);
    shared.strays.lookEverywhere();
    shared.strays.close();
    assert.equal([double, bound, lost].map(isOpen), [true, true, false]);
    closeDescriptor(double);
  }),
);

test(
  'a connection accepted at a listener that is closed by now is no stray',
  scene(async (all) => {
    const { set, second } = all;
    const origin = localAddress(second.fd)!;
    set.shared = set.sharedStateOf(origin);
    await second.client();
    const accepted = acceptConnection(second.fd);
    set.shared.strays.removeOrigin(origin);
    set.shared.strays.lookEverywhere();
    set.shared.strays.close();
    assert.ok(isOpen(accepted));
    set.shared.strays.addOrigin(origin);
    set.shared.strays.lookEverywhere();
    set.shared.strays.close();
    assert.not(isOpen(accepted));
  }),
);

test(
  'registering a descriptor that the kernel does not take leaves nothing behind',
  scene(({ set }) => {
    const file = duplicateDescriptor(0);
    closeDescriptor(file);
    assert.throws(() => set.listen(file, TCP_CONNECTION, 1));
    assert.equal([listenerFd(set.words, 1), set.table.state(file)], [-1, FREE]);
  }),
);

test.run();
