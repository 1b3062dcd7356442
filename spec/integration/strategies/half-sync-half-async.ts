/** Half-Sync/Half-Async: what follows from each worker having its own connections. What all models have in common is in the contract's specs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HELD_MICROS } from '../../../lib/connection/dealing.js';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import type { ThreadExit } from '../../../lib/server.js';
import { Gate } from '../../support/server/gate.js';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until, within } from '../../support/server/wait.js';

const WORKERS = ['1', '2', '3'];
/** The acceptor and the workers. */
const THREADS = 1 + WORKERS.length;

const start = (app = 'web', options: Omit<ServerOptions, 'app'> = {}): Promise<Running> =>
  Running.start(app, { strategy: 'half-sync-half-async', threads: THREADS, ...options });

/** The worker that serves a connection: always the same. */
const workerOf = async (client: Client): Promise<string> => (await client.get('/thread')).text;

/** Connections by the workers that serve them. */
async function byWorker(clients: readonly Client[]): Promise<Map<string, Client[]>> {
  const workers = new Map<string, Client[]>(WORKERS.map((worker) => [worker, []]));
  const served = await Promise.all(clients.map(workerOf));
  for (const [index, client] of clients.entries()) workers.get(served[index]!)!.push(client);
  return workers;
}

/** New connections, each accepted while no worker processes anything. */
async function connectAtRest(running: Running, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (const index of range(count)) {
    await running.states(...range(THREADS).map(() => 'leader'));
    clients.push(await running.connect());
    await running.connections(index + 1);
  }
  return clients;
}

/** Blocks the worker of a connection. @returns the pending answer */
async function block(client: Client, gate: Gate): Promise<{ held: Promise<string> }> {
  const held = client.get(`/hold?gate=${gate.path}`).then(({ text }) => text);
  await gate.entered(1);
  return { held };
}

/** Keeps the event loop of the spec waiting no longer than a long handler takes to count as one. */
const untilLong = (): Promise<void> => {
  const end = performance.now() + (2 * HELD_MICROS) / 1000;
  return until('the handler has been running for long', () => performance.now() > end);
};

test('connections are dealt evenly, and each stays with its worker', async () => {
  await using running = await start();
  const clients = await connectAtRest(running, 12);
  const workers = await byWorker(clients);
  assert.equal(
    [...workers.values()].map(({ length }) => length),
    [4, 4, 4],
  );
  for (const _round of range(3)) assert.equal(await byWorker(clients), workers);
  assert.is(running.server.threads()[0]!.requests, 0, 'the acceptor runs no handler');
});

test('those that close are replaced where they were', async () => {
  await using running = await start();
  const workers = await byWorker(await connectAtRest(running, 9));
  await Promise.all(workers.get('2')!.map((client) => client.close()));
  await running.connections(6);
  const fresh: string[] = [];
  for (const index of range(3)) {
    await running.states(...range(THREADS).map(() => 'leader'));
    const client = await running.connect();
    await running.connections(7 + index);
    fresh.push(await workerOf(client));
  }
  assert.equal(fresh, ['2', '2', '2']);
});

test('a blocked worker stalls its own connections, and no others', async () => {
  await using running = await start();
  const workers = await byWorker(await connectAtRest(running, 9));
  const [victim, ...siblings] = workers.get('2')!;
  using gate = new Gate();
  const { held } = await block(victim!, gate);
  let answered = 0;
  const stalled = siblings.map(async (client) => {
    const { text } = await client.get('/thread');
    answered++;
    return text;
  });
  const others = [...workers.get('1')!, ...workers.get('3')!];
  for (const _round of range(5)) await Promise.all(others.map((client) => client.get('/text')));
  assert.is(answered, 0, 'other workers leave them alone');
  gate.release();
  assert.is(await held, '2');
  assert.equal(await Promise.all(stalled), ['2', '2']);
});

test('new connections avoid a blocked worker, even if the others have more', async () => {
  await using running = await start();
  const workers = await byWorker(await connectAtRest(running, 3));
  using gate = new Gate();
  const { held } = await block(workers.get('1')![0]!, gate);
  await untilLong();
  const fresh = await running.connectMany(12);
  const served = await Promise.all(fresh.map(workerOf));
  assert.not.ok(served.includes('1'));
  gate.release();
  await held;
});

test('an idle connection of a blocked worker times out all the same', async () => {
  await using running = await start('web', { keepAliveTimeout: 1000 });
  const workers = await byWorker(await connectAtRest(running, 6));
  const [victim, idle] = workers.get('3')!;
  using gate = new Gate();
  const { held } = await block(victim!, gate);
  await within('the end of the idle connection', idle!.rest());
  gate.release();
  await held;
});

test('a request that waits for a blocked worker is answered, although the time of its connection is up', async () => {
  await using running = await start('web', { keepAliveTimeout: 1000 });
  const workers = await byWorker(await connectAtRest(running, 9));
  const [victim, waiting, idle] = workers.get('3')!;
  // It is not due before the other.
  await workerOf(idle!);
  using gate = new Gate();
  const { held } = await block(victim!, gate);
  const answer = waiting!.get('/thread');
  await within('the end of the idle connection', idle!.rest());
  gate.release();
  await held;
  assert.is((await answer).text, '3');
});

test('connections of a dead worker live on, also those with a request that no worker has seen, and the replacement serves them', async () => {
  await using running = await start();
  const exits: ThreadExit[] = [];
  running.server.on('threadExit', (exit) => exits.push(exit));
  const workers = await byWorker(await connectAtRest(running, 12));
  const [victim, waiting, ...idle] = workers.get('2')!;
  using gate = new Gate();
  // It blocks, so the next request is not read before it ends.
  await victim!.send(`GET /exit HTTP/1.1\r\nhost: test\r\nx-gate: ${gate.path}\r\n\r\n`);
  await gate.entered(1);
  const answer = waiting!.get('/thread');
  await running.get('/text');
  gate.release();
  assert.is((await victim!.rest()).length, 0, 'the connection that it was inside is closed');
  assert.is((await answer).text, '2');
  assert.equal(
    exits.map(({ thread, connectionsLost }) => [thread, connectionsLost]),
    [[2, 1]],
  );
  assert.equal(await Promise.all(idle.map(workerOf)), ['2', '2']);
  for (const worker of ['1', '3'])
    assert.equal(
      await Promise.all(workers.get(worker)!.map(workerOf)),
      range(4).map(() => worker),
    );
});

test('while the acceptor is dead its workers serve on, and then its replacement accepts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-acceptor-'));
  const path = join(folder, 'end');
  try {
    await using running = await start(`io-thread-ends?when=${path}`);
    const clients = await connectAtRest(running, 6);
    let [exits, starts] = [0, 0];
    running.server.on('threadExit', ({ exitCode, connectionsLost }) => {
      // Also emitted when the server closes.
      if (exitCode === 7 && connectionsLost === 0) exits++;
    });
    running.server.on('threadStart', () => starts++);
    for (const round of range(3)) {
      writeFileSync(path, '');
      await until('the acceptor has ended', () => exits === round + 1);
      const workers = await Promise.all(clients.map(workerOf));
      assert.equal([...new Set(workers)].sort(), WORKERS);
      assert.ok(WORKERS.includes(await running.get('/thread')));
      await until('a replacement accepts', () => starts === round + 1);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a server that closes ends the idle connections of all workers', async () => {
  const running = await start();
  const clients = await running.connectMany(30);
  await Promise.all(clients.map((client) => client.get('/text')));
  // Without a rescan they would stay until the end of the drain time.
  await within('the end of the drain', running.server.close({ drainMs: 3_600_000 }));
  for (const client of clients) assert.is((await client.rest()).length, 0);
});

test('a server that closes while a worker is dead ends the idle connections of that worker, too', async () => {
  const running = await start();
  const exited = new Promise((resolve) => running.server.once('threadExit', resolve));
  const workers = await byWorker(await connectAtRest(running, 9));
  const [victim, ...idle] = workers.get('1')!;
  using gate = new Gate();
  await victim!.send(`GET /exit HTTP/1.1\r\nhost: test\r\nx-gate: ${gate.path}\r\n\r\n`);
  await gate.entered(1);
  const closed = running.server.close({ drainMs: 3_600_000 });
  // The others have closed theirs: the set drains.
  for (const client of [...workers.get('2')!, ...workers.get('3')!]) await within('its end', client.rest());
  gate.release();
  await exited;
  await within('the end of the drain', closed);
  for (const client of idle) assert.is((await client.rest()).length, 0);
});

test.run();
