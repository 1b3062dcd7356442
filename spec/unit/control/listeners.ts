/** Listeners as threads ask for them: which request gets which socket, when it is registered, and who may join the set. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  HTTP_CONNECTION,
  NODE_CONNECTION,
  SOCKET_CONNECTION,
} from '../../../lib/connection/event-handler.js';
import { kindOfConnections, listenerFd } from '../../../lib/connection/listeners.js';
import { openRequested } from '../../../lib/control/listener.js';
import type { ListenerInfo } from '../../../lib/control/listener-entry.js';
import { Listeners } from '../../../lib/control/listeners.js';
import { OwnAddress } from '../../../lib/control/own-address.js';
import { PacelineError } from '../../../lib/errors.js';
import { SET_DRAINING, SET_STATE } from '../../../lib/memory/layout.js';
import type { ListenOptions } from '../../../lib/options/listen-options.js';
import { ENTERED, READABLE } from '../../../lib/set/handle-table.js';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { EADDRINUSE } from '../../../lib/sys/libc.js';
import { acceptConnection, type SocketAddress } from '../../../lib/sys/socket.js';
import type { ControlMessage, ListenRequest } from '../../../lib/thread/messages.js';
import { until } from '../../support/server/wait.js';
import { isOpen } from '../../support/set/native.js';
import { TestSet } from '../../support/set/test-set.js';

/** Not at the address of the server's own listener. */
const ANY_PORT: ListenRequest = {
  address: '127.0.0.2',
  port: 0,
  path: null,
  backlog: 0,
  protocol: 'http',
};
const RAW: ListenRequest = { ...ANY_PORT, protocol: 'tcp' };
/** A request for the own address. */
const OWN: ListenRequest = { ...ANY_PORT, address: '127.0.0.1' };

type Granted = Extract<ControlMessage, { type: 'listening' }>;

/** A thread as the control plane sees it. */
class Peer {
  readonly answers: ControlMessage[] = [];
  joined = false;
  #lastId = 0;

  constructor(
    readonly listeners: Listeners,
    readonly thread: number,
  ) {
    listeners.begun(thread, (message) => this.answers.push(message));
  }

  load(): this {
    this.listeners.loaded(this.thread, () => {
      this.joined = true;
    });
    return this;
  }

  async ask(request: ListenRequest): Promise<ControlMessage> {
    const id = ++this.#lastId;
    this.listeners.received(this.thread, { type: 'listen', id, request });
    const answer = () => this.answers.find((message) => 'id' in message && message.id === id);
    await until('the request is answered', () => answer() !== undefined);
    return answer()!;
  }

  /** Asks, and attaches a server. */
  async listen(request: ListenRequest): Promise<Granted> {
    const granted = await this.grantedTo(request);
    this.attach(granted.index);
    return granted;
  }

  async grantedTo(request: ListenRequest): Promise<Granted> {
    const answer = await this.ask(request);
    assert.is(answer.type, 'listening');
    return answer as Granted;
  }

  attach(index: number): void {
    this.listeners.received(this.thread, { type: 'attached', index });
  }

  unlisten(index: number): void {
    this.listeners.received(this.thread, { type: 'unlisten', index });
  }

  die(): void {
    this.listeners.died(this.thread);
  }
}

interface Scene {
  readonly set: TestSet;
  readonly listeners: Listeners;
  /** Two threads, which have not loaded their app yet. */
  readonly peers: readonly [Peer, Peer];
  /** The server's own addresses, and the first of them. */
  readonly owns: readonly OwnAddress[];
  readonly own: OwnAddress;
  /** What threads have begun to accept at. */
  readonly listening: ListenerInfo[];
  readonly isRegistered: (index: number) => boolean;
  readonly warnings: string[];
  /** The time is up that threads and listeners have. */
  readonly elapse: () => void;
}

/** How long a thread waits for its servers, and a listener for its threads. */
const JOIN_MS = 10_000;

let folder = '';
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'paceline-listeners-'));
});
test.after.each(() => rmSync(folder, { recursive: true }));

function scene(
  use: (scene: Scene) => Promise<void>,
  where: () => ListenOptions | readonly ListenOptions[] = () => ({ port: 0 }),
  ioThreads = 0,
): () => Promise<void> {
  return async () => {
    const set = new TestSet(2);
    const owns = await OwnAddress.bindAll([where()].flat());
    const listening: ListenerInfo[] = [];
    const log = () => {};
    const warnings: string[] = [];
    const waiting: (() => void)[] = [];
    const original = globalThis.setTimeout;
    globalThis.setTimeout = ((task: () => void, ms?: number) => {
      if (ms === JOIN_MS) waiting.push(task);
      return original(task, ms);
    }) as typeof setTimeout;
    const elapse = () => {
      for (const task of waiting.splice(0)) task();
    };
    const listeners = new Listeners({
      words: set.words,
      handles: set.handles,
      strays: set.shared.strays,
      logger: { error: log, warn: (message) => warnings.push(message), info: log, debug: log },
      own: owns,
      open: openRequested,
      firstThread: 0,
      ioThreads,
      listening: (listener) => listening.push(listener),
    });
    const isRegistered = (index: number) => listenerFd(set.words, index) >= 0;
    try {
      const peers = [new Peer(listeners, 0), new Peer(listeners, 1)] as const;
      await use({ set, listeners, peers, owns, own: owns[0]!, listening, isRegistered, warnings, elapse });
    } finally {
      globalThis.setTimeout = original;
      await listeners.close();
      await set.close();
    }
  };
}

const answers = ({ address, port }: SocketAddress): Promise<boolean> =>
  new Promise((resolve) => {
    const client = connect(port, address);
    client.on('connect', () => resolve(true)).on('error', () => resolve(false));
    client.on('connect', () => client.destroy());
  });

test(
  'equal requests of the threads get one listener, and several of one thread one each, in the same order',
  scene(async ({ peers: [one, other], set }) => {
    const first = await one.listen(ANY_PORT);
    const second = await one.listen(ANY_PORT);
    const raw = await one.listen(RAW);
    assert.is(new Set([first, second, raw].map(({ address }) => address.port)).size, 3);
    assert.equal(
      [first, second, raw].map(({ index }) => index),
      [1, 2, 3],
    );
    assert.equal((await other.listen(ANY_PORT)).address, first.address);
    assert.equal((await other.listen(RAW)).address, raw.address);
    assert.equal((await other.listen(ANY_PORT)).address, second.address);
    assert.ok(await answers(first.address), 'connections wait in the queue already');
    assert.is(listenerFd(set.words, first.index), -1, 'and are not accepted');
  }),
);

const TWO_PORTS = () => [{ port: 0 }, { port: 0, host: '127.0.0.3' }];

test(
  'the own addresses have the first numbers, each for who asks for it, and the others are given up',
  scene(async ({ peers: [one, other], owns, listeners, isRegistered }) => {
    const [unused, wanted] = owns.map(({ address }) => address) as [SocketAddress, SocketAddress];
    const { address, port } = wanted;
    const granted = await one.listen({ ...OWN, address, port });
    assert.equal([granted.index, granted.address], [1, wanted]);
    assert.is((await one.listen(ANY_PORT)).index, 2);
    assert.is((await other.listen({ ...OWN, address, port })).index, 1);
    one.load();
    other.load();
    listeners.serveAll();
    assert.ok(isRegistered(1));
    assert.not(await answers(unused));
    assert.ok(await answers(wanted));
  }, TWO_PORTS),
);

test(
  'an export is served at all own addresses, or at none',
  scene(async ({ owns, listeners, isRegistered, listening }) => {
    const addresses = owns.map(({ address }) => address);
    listeners.serveExport(HTTP_CONNECTION, 'http');
    assert.equal([0, 1, 2].map(isRegistered), [true, true, false]);
    assert.equal(
      listening.map(({ address }) => address),
      addresses,
    );
  }, TWO_PORTS),
);

test('an export is served nowhere if one of the own addresses is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await scene(
    async ({ owns, listeners, isRegistered }) => {
      assert.throws(() => listeners.serveExport(HTTP_CONNECTION, 'http'), isInUse);
      assert.equal([0, 1].map(isRegistered), [false, false]);
      assert.not(await answers(owns[0]!.address));
    },
    () => [{ port: 0, host: '127.0.0.3' }, { port }],
  )();
  taken.close();
});

const isInUse = (error: unknown): boolean =>
  error instanceof PacelineError && error.code === 'PACELINE_ADDRESS_IN_USE';

test(
  'a listener is registered once the start is complete and every thread of the set has a server attached',
  scene(async ({ peers: [one, other], listeners, isRegistered, set, listening }) => {
    const { index, address } = await one.listen(ANY_PORT);
    one.load();
    await other.grantedTo(ANY_PORT);
    other.load();
    assert.ok(one.joined && other.joined);
    listeners.serveAll();
    assert.not(isRegistered(index), 'the answer alone is not enough');
    other.attach(index);
    assert.ok(isRegistered(index));
    assert.is(kindOfConnections(set.words, index), NODE_CONNECTION);
    assert.equal(listening, [{ address, protocol: 'http' }]);
    const raw = await one.listen(RAW);
    assert.not(isRegistered(raw.index));
    await other.listen(RAW);
    assert.is(kindOfConnections(set.words, raw.index), SOCKET_CONNECTION);
    assert.is(listening.at(-1)!.protocol, 'tcp');
  }),
);

test(
  'a thread that dies keeps no listener from being registered, and one that still loads does not either',
  scene(async ({ peers: [one, other], listeners, isRegistered }) => {
    const { index } = await one.load().listen(ANY_PORT);
    other.load();
    listeners.serveAll();
    assert.not(isRegistered(index));
    other.die();
    assert.ok(isRegistered(index));
    const replacement = new Peer(listeners, 1);
    const later = await one.listen(RAW);
    assert.ok(isRegistered(later.index), 'the replacement is not in the set yet');
    replacement.load();
    assert.not(replacement.joined);
    await replacement.listen(RAW);
    assert.not(replacement.joined);
    assert.is((await replacement.listen(ANY_PORT)).index, index);
    assert.ok(replacement.joined, 'now it has a server for every connection that it may take');
  }),
);

test(
  'a replacement that does not listen everywhere joins after a while, with a warning that says where',
  scene(async ({ peers: [one, other], listeners, warnings, elapse }) => {
    const { address } = await one.load().listen(ANY_PORT);
    other.die();
    listeners.serveAll();
    elapse();
    assert.equal(warnings, [], 'a thread that has joined is waited for no more');
    const replacement = new Peer(listeners, 1).load();
    assert.not(replacement.joined);
    elapse();
    assert.ok(replacement.joined);
    assert.is(warnings.length, 1);
    assert.match(
      warnings[0]!,
      new RegExp(`^thread 1 has not listened on 127.0.0.2:${address.port} after 10 s`),
    );
  }),
);

test(
  'a listener that some thread does not ask for is warned of once the server serves',
  scene(async ({ peers: [one, other], listeners, isRegistered, warnings, elapse }) => {
    const { index, address } = await one.load().listen(ANY_PORT);
    elapse();
    assert.equal(warnings, []);
    other.load();
    listeners.serveAll();
    elapse();
    assert.match(warnings[0]!, new RegExp(`^connections to 127.0.0.2:${address.port} wait, because`));
    assert.not(isRegistered(index));
    await other.listen(ANY_PORT);
    assert.ok(isRegistered(index));
    elapse();
    assert.is(warnings.length, 1);
  }),
);

test(
  'an answer that comes too late for a thread is not sent to its replacement',
  scene(async ({ peers: [one], listeners }) => {
    listeners.received(0, { type: 'listen', id: 1, request: ANY_PORT });
    one.die();
    const replacement = new Peer(listeners, 0);
    await replacement.listen(RAW);
    assert.equal(one.answers, []);
    assert.is(replacement.answers.length, 1);
  }),
);

test(
  'a listener is closed when the last thread has closed its server, and its port may be used again',
  scene(async ({ peers: [one, other], listeners, isRegistered, set }) => {
    const { index, address } = await one.load().listen(ANY_PORT);
    await other.load().listen(ANY_PORT);
    listeners.serveAll();
    const fd = listenerFd(set.words, index);
    one.unlisten(index);
    assert.ok(isRegistered(index));
    // Some thread is inside the acceptor just then.
    assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, 0), ENTERED);
    other.unlisten(index);
    assert.ok(isRegistered(index));
    const again = one.listen({ ...ANY_PORT, port: address.port });
    set.table.leave(fd);
    assert.is((await again).address.port, address.port, 'it waits until the old socket is closed');
    assert.is((await again).index, 2);
  }),
);

test(
  'the death of the last thread closes no listener that clients know',
  scene(async ({ peers: [one, other], listeners, isRegistered }) => {
    const { index, address } = await one.load().listen(ANY_PORT);
    other.die();
    listeners.serveAll();
    one.die();
    assert.ok(isRegistered(index));
    assert.equal((await new Peer(listeners, 0).listen(ANY_PORT)).address, address);
  }),
);

test(
  'a request for an address in use is refused as the system does it',
  scene(async ({ peers: [one], listeners }) => {
    const taken = createServer().listen(0, ANY_PORT.address!);
    await until('it listens', () => taken.listening);
    const { port } = taken.address() as { port: number };
    const answer = await one.ask({ ...ANY_PORT, port });
    assert.equal([answer.type, 'code' in answer && answer.code], ['refused', 'EADDRINUSE']);
    assert.is('errno' in answer && answer.errno, -EADDRINUSE);
    assert.match(listeners.refusal!.message, new RegExp(`^127.0.0.2:${port} is in use by another server`));
    taken.close();
    await until('it is closed', () => !taken.listening);
    assert.is((await one.listen({ ...ANY_PORT, port })).address.port, port, 'nothing is left of it');
  }),
);

test(
  'no more listeners than have numbers are opened',
  scene(async ({ peers: [one] }) => {
    for (let count = 1; count < 32; count++) await one.listen(ANY_PORT);
    const answer = await one.ask(ANY_PORT);
    assert.is('code' in answer && answer.code, 'EMFILE');
  }),
);

// ---- a thread that runs no handler -------------------------------------------------------------------------------------

const withIoThread = (use: (scene: Scene) => Promise<void>): (() => Promise<void>) =>
  scene(use, undefined, 1);

test(
  'a listener is closed when the last thread that runs handlers has closed its server',
  withIoThread(async ({ peers: [io, worker], listeners, isRegistered }) => {
    const { index } = await io.load().listen(ANY_PORT);
    await worker.load().listen(ANY_PORT);
    listeners.serveAll();
    assert.ok(isRegistered(index));
    worker.unlisten(index);
    await until('it is closed', () => !isRegistered(index));
    assert.equal(listeners.registered(), []);
  }),
);

test(
  'a listener that the I/O thread has first stays, whatever others try before it serves',
  withIoThread(async ({ peers: [io, worker], listeners, isRegistered }) => {
    const { index, address } = await io.load().listen(ANY_PORT);
    worker.unlisten((await worker.grantedTo(ANY_PORT)).index);
    assert.equal((await worker.load().listen(ANY_PORT)).address, address);
    listeners.serveAll();
    assert.ok(isRegistered(index));
  }),
);

test(
  'a server that a handler makes is not awaited of the I/O thread, nor is its replacement for that',
  withIoThread(async ({ peers: [io, worker], listeners, isRegistered, warnings, elapse }) => {
    io.load();
    worker.load();
    listeners.serveAll();
    const { index } = await worker.listen(ANY_PORT);
    assert.ok(isRegistered(index));
    io.die();
    assert.ok(new Peer(listeners, 0).load().joined);
    elapse();
    assert.equal(warnings, []);
  }),
);

// ---- the server's own address ----------------------------------------------------------------------------------------

test(
  'what the module exports is served at the own address, by every thread',
  scene(async ({ own, listeners, peers: [one], isRegistered, set }) => {
    const { port } = own.address;
    listeners.serveExport(HTTP_CONNECTION, 'http');
    assert.ok(isRegistered(0));
    assert.is(kindOfConnections(set.words, 0), HTTP_CONNECTION);
    assert.is(listeners.first()!.address.port, port);
    assert.ok(one.load().joined, 'a thread needs no server for it');
  }),
);

test(
  'a server that asks for the own address gets its socket; without a use it is closed',
  scene(async ({ own, listeners, peers: [one, other] }) => {
    const { port } = own.address;
    assert.is((await one.listen(OWN)).index, 1, 'any port is not that of the server');
    const { index, address } = await one.listen({ ...OWN, port });
    assert.equal([index, address.port], [0, port]);
    assert.is((await other.listen({ ...OWN, port })).index, 0);
    assert.throws(
      () => listeners.serveExport(HTTP_CONNECTION, 'http'),
      (error: unknown) => error instanceof PacelineError && /listens on .* itself/.test(error.message),
    );
  }),
);

test(
  'an own address that nobody serves is given back',
  scene(async ({ own, listeners, peers: [one] }) => {
    const { address } = own;
    await one.listen(RAW);
    listeners.serveAll();
    assert.not(await answers(address));
    assert.is((await one.listen({ ...OWN, port: address.port })).address.port, address.port);
  }),
);

test('that the own address is in use is an error only where it is needed', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await until('it listens', () => taken.listening);
  const { port } = taken.address() as { port: number };
  const where = () => ({ port });
  await scene(async ({ listeners, peers: [one] }) => {
    const { index } = await one.load().listen(ANY_PORT);
    listeners.serveAll();
    assert.is(index, 1);
  }, where)();
  await scene(async ({ listeners, peers: [one] }) => {
    const answer = await one.ask({ ...OWN, port });
    assert.is('code' in answer && answer.code, 'EADDRINUSE');
    assert.throws(
      () => listeners.serveExport(HTTP_CONNECTION, 'http'),
      (error: unknown) => (error as PacelineError).code === 'PACELINE_ADDRESS_IN_USE',
    );
  }, where)();
  taken.close();
});

// ---- Unix sockets ----------------------------------------------------------------------------------------------------

test('a path that one thread removes after another one has listened there is there again', async () => {
  const path = join(folder, 'socket');
  const request: ListenRequest = { address: null, port: -1, path, backlog: 0, protocol: 'http' };
  const reaches = () =>
    new Promise<boolean>((resolve) => {
      const client = connect(path, () => resolve(true)).on('error', () => resolve(false));
      client.on('connect', () => client.destroy());
    });
  await scene(async ({ peers: [one, other], listeners, isRegistered }) => {
    const { index } = await one.load().listen(request);
    unlinkSync(path);
    assert.is((await other.load().listen(request)).index, index);
    listeners.serveAll();
    assert.ok(isRegistered(index));
    assert.ok(await reaches());
    other.die();
    unlinkSync(path);
    await new Peer(listeners, 1).listen(request);
    assert.ok(isRegistered(index), 'also while it is served');
    assert.ok(await reaches());
  })();
  assert.not(existsSync(path), 'closing removes it');
});

// ---- the end ---------------------------------------------------------------------------------------------------------

test(
  'closing leaves no socket open, not even one that is being opened, and no thread waiting',
  scene(async ({ peers: [one, other], listeners, set }) => {
    await one.load().listen(ANY_PORT);
    other.die();
    listeners.serveAll();
    const fd = listenerFd(set.words, 1);
    const replacement = new Peer(listeners, 1).load();
    Atomics.store(set.words, SET_STATE, SET_DRAINING);
    const opening = one.ask(RAW);
    await listeners.close();
    assert.not(isOpen(fd));
    assert.is(listenerFd(set.words, 2), -1);
    assert.ok(replacement.joined);
    for (const answer of [await opening, await one.ask(RAW)]) assert.is(answer.type, 'refused');
    one.unlisten(1);
    one.die();
    assert.ok(new Peer(listeners, 0).load().joined);
  }),
);

test(
  'closing leaves threads the connections that wait in the queue of a socket',
  scene(async ({ peers: [one, other], listeners, set }) => {
    for (const peer of [one, other]) await peer.load().listen(ANY_PORT);
    listeners.serveAll();
    const { index, address } = await one.listen(RAW);
    await other.listen(RAW);
    const client = connect(address.port, address.address);
    await once(client, 'connect');
    Atomics.store(set.words, SET_STATE, SET_DRAINING);
    const closing = listeners.close();
    const accepted = acceptConnection(listenerFd(set.words, index));
    assert.ok(accepted >= 0, `accept failed with ${-accepted}`);
    await closing;
    assert.is(listenerFd(set.words, index), -1);
    closeDescriptor(accepted);
    client.destroy();
  }),
);

test.run();
