/** I5: a thread that dies in any state blocks nobody, and every connection that it was not inside lives on. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { recover } from '../../lib/control/reviver.js';
import { ACCEPTOR } from '../../lib/handlers/event-handler.js';
import { CONNECTIONS, RESCAN, STATE, threadArea, WAKING } from '../../lib/memory/layout.js';
import { HandleSet, WATCH_INPUT } from '../../lib/set/handle-set.js';
import { BOUND, ENTERED, FREE, HandleTable, IDLE, READABLE } from '../../lib/set/handle-table.js';
import { DEAD } from '../../lib/set/thread-state.js';
import { closeDescriptor, createEventCounter, signalEventCounter } from '../../lib/sys/descriptor.js';
import { bindListener, localAddress, startListening } from '../../lib/sys/socket.js';
import { BINDER, COUNTER, SAVER } from '../support/set/kinds.js';
import { isOpen } from '../support/set/native.js';
import {
  DESCRIPTORS,
  HELD,
  HOLD,
  load,
  put,
  STATUS,
  STOPPED,
  TALLY,
  threadWord,
  until,
  VIOLATIONS,
} from '../support/set/scratch.js';
import { TestSet, withSet } from '../support/set/test-set.js';

const TURNS = { role: 'turns', steps: false } as const;

/** Sends events to connections and knows what must have come of them. */
class Traffic {
  readonly #sent = new Map<number, number>();

  constructor(
    readonly set: TestSet,
    kinds: readonly number[],
  ) {
    for (const kind of kinds) this.add(kind);
  }

  add(kind: number): number {
    const fd = this.set.connect(kind);
    this.#sent.set(fd, 0);
    return fd;
  }

  get fds(): number[] {
    return [...this.#sent.keys()];
  }

  send(fd: number): void {
    this.#sent.set(fd, this.#sent.get(fd)! + 1);
    signalEventCounter(fd);
  }

  /** Whether all that was ever sent was seen. */
  arrived(): boolean {
    return this.fds.every((fd) => this.set.tally(fd) === this.#sent.get(fd));
  }

  /** Forgets the connections that were closed. @returns how many */
  bury(): number {
    const closed = this.fds.filter((fd) => this.set.table.state(fd) === FREE);
    for (const fd of closed) this.#sent.delete(fd);
    return closed.length;
  }

  /** One more event for each; all that was ever sent arrives. */
  async settle(): Promise<void> {
    for (const fd of this.fds) this.send(fd);
    await until(() => this.arrived(), 'every event of every connection that lives');
  }
}

/** A listening socket, and clients of it. */
function listen() {
  const fd = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  startListening(fd, 16);
  const { port } = localAddress(fd)!;
  const clients: Socket[] = [];
  return {
    fd,
    async client(): Promise<Socket> {
      const socket = connect(port, '127.0.0.1');
      clients.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    close(): void {
      for (const socket of clients) socket.destroy();
      closeDescriptor(fd);
    },
  };
}

for (const watch of [false, true]) {
  test(
    `a thread may end before any of its atomic operations${watch ? ', on watch too' : ''}`,
    withSet(4, async (set) => {
      // Place 0 stays empty: the lowest number is woken first, and that is the victim.
      const VICTIM = 1;
      const kinds = [COUNTER, COUNTER, BINDER, BINDER];
      const traffic = new Traffic(set, kinds);
      if (!watch) set.wakeAlways();
      await set.start(2, TURNS);
      await set.start(3, TURNS);
      const last = watch ? 120 : 60;
      for (let step = 1; step <= last; step += watch ? 3 : 1) {
        const victim = await set.start(VICTIM, { role: 'turns', steps: true });
        await set.quiet(undefined, 3);
        put(set.scratch, threadWord(VICTIM, STATUS), 0);
        victim.stopBefore(step);
        const stopped = () => victim.status === STOPPED;
        while (!stopped()) {
          for (const fd of traffic.fds) traffic.send(fd);
          await until(() => stopped() || traffic.arrived(), `step ${step}, or the events taken`);
        }
        await set.kill(VICTIM);
        const bound = traffic.fds.filter(
          (fd) => set.table.state(fd) === BOUND && set.table.owner(fd) === VICTIM,
        );
        const lost = set.recover(VICTIM);
        assert.is(traffic.bury(), lost, `step ${step}: only what the reviver says is gone`);
        assert.ok(lost <= bound.length + 1, `step ${step}: ${lost} lost, ${bound.length} bound`);
        // Nothing new comes to help: what the dead thread had in hand is looked for.
        await until(() => traffic.arrived(), `step ${step}: every event of every connection that lives`);
        await traffic.settle();
        while (traffic.fds.length < kinds.length) traffic.add(lost > bound.length ? COUNTER : BINDER);
      }
      assert.is(load(set.scratch, VIOLATIONS), 0);
    }),
  );
}

test(
  'a leader that ends in the kernel is followed by another',
  withSet(3, async (set) => {
    await set.startAll(TURNS);
    const traffic = new Traffic(set, [COUNTER]);
    for (let living = 3; living > 1; living--) {
      await set.quiet(undefined, living);
      const dead = set.leader();
      await set.kill(dead);
      assert.is(set.recover(dead), 0);
      assert.is(load(set.words, threadArea(dead) + STATE), DEAD);
      await traffic.settle();
    }
  }),
);

test(
  'the connection that a thread ends inside is closed with its saved input, and nobody is stuck behind it',
  withSet(3, async (set) => {
    await set.startAll(TURNS);
    const traffic = new Traffic(set, [SAVER, SAVER, COUNTER]);
    await traffic.settle();
    const [doomed] = traffic.fds as [number];
    Atomics.store(set.words, CONNECTIONS, 3);
    const perSaver = set.pool.inUse() / 2;
    const dead = set.hold(doomed);
    for (const fd of traffic.fds) traffic.send(fd);
    await set.kill(dead);
    assert.is(set.recover(dead), 1);
    assert.not(isOpen(doomed));
    assert.is(traffic.bury(), 1);
    await traffic.settle();
    assert.is(set.pool.inUse(), perSaver);
    assert.is(load(set.words, CONNECTIONS), 2);
    assert.not(set.recover(dead), 'and doing it again finds nothing');
  }),
);

test(
  'handles bound to a dead thread are closed, those of others go on',
  withSet(2, async (set) => {
    await set.startAll(TURNS);
    const traffic = new Traffic(set, new Array(20).fill(BINDER));
    const free = set.connect();
    // While one is held the other takes the events, so both get some.
    const one = set.hold(free);
    for (const fd of traffic.fds.slice(0, 10)) traffic.send(fd);
    await until(() => traffic.arrived(), 'ten are bound to the other');
    set.release(free);
    await until(() => set.tally(free) === 1, 'it is free again');
    const other = set.hold(free);
    set.release(free);
    await traffic.settle();
    const dead = 1 - one;
    const bound = traffic.fds.filter((fd) => set.table.owner(fd) === dead);
    assert.ok(bound.length >= 10 && other >= 0);
    await set.kill(dead);
    assert.is(set.recover(dead), bound.length);
    assert.equal(bound.map(isOpen), new Array(bound.length).fill(false));
    assert.is(traffic.bury(), bound.length);
    await traffic.settle();
    assert.ok(traffic.fds.every((fd) => set.table.owner(fd) === one));
  }),
);

test(
  'a listening handle is left by a thread that ends inside it, and what waits there is accepted',
  withSet(3, async (set) => {
    await set.startAll(TURNS);
    const listener = listen();
    const { fd } = listener;
    put(set.scratch, HOLD + fd, 1);
    set.handles.registerHandle(fd, ACCEPTOR, WATCH_INPUT);
    await listener.client();
    await until(() => load(set.scratch, HELD + fd) !== 0, 'a thread is inside');
    const dead = load(set.scratch, HELD + fd) - 1;
    await listener.client();
    await set.kill(dead);
    put(set.scratch, HOLD + fd, 0);
    assert.is(set.recover(dead), 0);
    await until(() => load(set.words, CONNECTIONS) === 2, 'both are accepted');
    assert.ok(isOpen(fd));
    listener.close();
  }),
);

test('a thread may end at any step of accepting: the client is served, or sees the end of its connection', async () => {
  const VICTIM = 0;
  for (let step = 1; ; step++) {
    const set = new TestSet(2);
    const listener = listen();
    try {
      const victim = await set.start(VICTIM, { role: 'turns', steps: true });
      await set.quiet(undefined, 1);
      put(set.scratch, HOLD + listener.fd, 1);
      set.handles.registerHandle(listener.fd, ACCEPTOR, WATCH_INPUT);
      const client = await listener.client();
      let ended = false;
      client.on('close', () => {
        ended = true;
      });
      client.on('error', () => {});
      client.resume();
      await until(() => load(set.scratch, HELD + listener.fd) === VICTIM + 1, 'it is inside the acceptor');
      put(set.scratch, threadWord(VICTIM, STATUS), 0);
      victim.stopBefore(step);
      set.release(listener.fd);
      const left = () => set.table.state(listener.fd) === IDLE;
      await until(() => victim.status === STOPPED || left(), `step ${step}, or the end of accepting`);
      if (left()) return assert.ok(step > 8);
      await set.kill(VICTIM);
      await set.start(1, TURNS);
      set.recover(VICTIM);
      await set.quiet(undefined, 1);
      // What the kernel does not watch would not be seen now.
      client.write(Buffer.from(new BigUint64Array([1n]).buffer));
      const served = () => set.scratch.subarray(TALLY, TALLY + DESCRIPTORS).some((count) => count !== 0);
      await until(() => ended || served(), `step ${step}: the client is served, or told`);
      assert.is(load(set.words, CONNECTIONS), ended ? 0 : 1);
    } finally {
      await set.close();
      listener.close();
    }
  }
});

test('a wake-up handle is left in the name of a dead thread, and every handle is looked at again', async () => {
  const set = new TestSet(2);
  const generation = set.table.generation(set.wakeUp);
  assert.is(set.table.claim(set.wakeUp, generation, READABLE, 1), ENTERED);
  assert.is(recover(set.survivors, 1), 0);
  assert.is(set.table.state(set.wakeUp), IDLE);
  assert.is(set.table.generation(set.wakeUp), generation);
  assert.is(load(set.words, RESCAN), 1);
  assert.is(load(set.words, WAKING), 0);
  await set.close();
});

test('a connection that its living thread leaves while the reviver looks at it is none of the dead thread', async () => {
  const set = new TestSet(4);
  const fd = set.connect();
  assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, 3), ENTERED);
  // Thread 3 leaves at the moment that the reviver has looked at the state.
  class Left extends HandleTable {
    override state(number: number): number {
      const state = super.state(number);
      if (number === fd && state !== IDLE && state !== FREE) super.leave(number);
      return state;
    }
  }
  const lost = recover({ ...set.survivors, table: new Left(set.memory.handles) }, 0);
  assert.is(lost, 0);
  assert.is(set.table.state(fd), IDLE);
  await set.close();
});

test('a handle that another thread enters and closes while it is being registered is not registered again', async () => {
  const set = new TestSet(2);
  const fd = createEventCounter();
  // A rescan makes an event for every handle of the table, so for this one too, before the kernel knows it.
  class Rescanned extends HandleTable {
    override open(number: number, kind: number): number {
      const generation = super.open(number, kind);
      if (this.claim(number, generation, READABLE, 1) === ENTERED) {
        this.close(number);
        closeDescriptor(number);
      }
      return generation;
    }
  }
  const table = new Rescanned(set.memory.handles);
  assert.not.throws(() =>
    new HandleSet(set.memory.control, table, set.epoll).registerHandle(fd, COUNTER, WATCH_INPUT),
  );
  await set.close();
});

test.run();
