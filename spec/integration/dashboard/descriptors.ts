/** A process without free descriptors: the control plane answers, whatever has used them up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Started } from '../../support/dashboard/scarce-server.js';
import { Client } from '../../support/server/http-client.js';
import { range, until, WATCHDOG_MS, within } from '../../support/server/wait.js';

const LIMIT = 256;
const SCRIPT = fileURLToPath(new URL('../../support/dashboard/scarce-server.js', import.meta.url));

class Scarce implements AsyncDisposable {
  readonly #clients: Client[] = [];

  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
    readonly dashboard: URL,
  ) {}

  static async start(): Promise<Scarce> {
    const limited = ['-c', `ulimit -n ${LIMIT} && exec "$@"`, 'sh', process.execPath, SCRIPT];
    const child = spawn('sh', limited, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [{ port, dashboard }] = (await within('the server starts', once(child, 'message'))) as [Started];
    return new Scarce(child, port, new URL(dashboard));
  }

  async tell(command: 'exhaust' | 'release' | 'log'): Promise<unknown> {
    const answer = once(this.child, 'message');
    this.child.send(command);
    const [value] = await within(command, answer);
    return value;
  }

  /** Resolves once the dashboard's acceptor has taken over; until then, for at most a tenth of a second, it may refuse. */
  async notices(): Promise<void> {
    const endMs = performance.now() + WATCHDOG_MS;
    while ((await this.get('/healthz').catch(() => null)) === null) {
      assert.ok(performance.now() < endMs, 'a health check gets in at last');
    }
  }

  async connect(port = this.port): Promise<Client> {
    const client = await Client.connect({ host: '127.0.0.1', port });
    this.#clients.push(client);
    return client;
  }

  /** The text of the answer. @throws if the connection is refused or closed */
  async get(path: string): Promise<string> {
    const client = await this.connect(Number(this.dashboard.port));
    const host = `host: ${this.dashboard.host}\r\nconnection: close\r\n`;
    void client.send(`GET ${path} HTTP/1.1\r\n${host}\r\n`);
    const { status, text } = await client.answer();
    assert.is(status, 200, path);
    await client.close();
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

test('connections of the app leave the control plane a reserve of descriptors', async () => {
  await using scarce = await Scarce.start();
  const clients = await Promise.all(range(LIMIT + 50).map(() => scarce.connect()));
  const request = 'GET /text HTTP/1.1\r\nhost: test\r\n\r\n';
  await clients[0]!.send(request);
  assert.is((await clients[0]!.answer()).text, 'hello');
  for (const _check of range(20)) assert.is(await scarce.get('/healthz'), 'alive\n');
  const open = /^paceline_open_fds (\d+)$/m.exec(await scarce.get('/metrics'))![1];
  assert.ok(Number(open) < LIMIT - 32, `${open} are open`);
  // The plane checks once a second.
  let log: string[] = [];
  while (!log.some((line) => line.includes('maxConnections is reached'))) {
    log = (await scarce.tell('log')) as string[];
  }
  assert.not.ok(
    clients.some(({ ended }) => ended),
    'those for whom there is no place wait for one',
  );
  // Clients that wait are accepted when others leave.
  const late = await scarce.connect();
  void late.send(request);
  await Promise.all(clients.map((client) => client.close()));
  await until('it is answered', () => late.waiting > 0 || late.ended);
  assert.is(late.ended, false);
  assert.is((await late.answer()).text, 'hello');
});

test('with all descriptors used up by the app, health checks are accepted again and again', async () => {
  await using scarce = await Scarce.start();
  assert.ok(((await scarce.tell('exhaust')) as number) > 50);
  await scarce.notices();
  for (const _check of range(20)) assert.is(await scarce.get('/healthz'), 'alive\n');
  for (const path of ['/readyz', '/metrics', '/api/threads', '/', '/page/main.js']) await scarce.get(path);
  const warnings = ((await scarce.tell('log')) as string[]).filter((line) =>
    line.includes('descriptors run out'),
  );
  assert.is(warnings.length, 1);
  await scarce.tell('release');
  const client = await scarce.connect();
  assert.is((await client.get('/text')).text, 'hello');
  assert.is(await scarce.get('/healthz'), 'alive\n');
});

test('of more connections than spare descriptors, the newest are accepted', async () => {
  await using scarce = await Scarce.start();
  await scarce.tell('exhaust');
  while ((await scarce.get('/healthz').catch(() => null)) === null);
  const idle = await Promise.all(range(40).map(() => scarce.connect(Number(scarce.dashboard.port))));
  for (const _check of range(10)) assert.is(await scarce.get('/healthz'), 'alive\n');
  await Promise.all(idle.map((client) => client.close()));
});

test.run();
