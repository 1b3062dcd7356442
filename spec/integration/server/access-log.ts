/** The access log of a server: one line for each request, whoever answers it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { forgetSettings, Run } from '../../support/cli/run.js';
import { Client } from '../../support/server/http-client.js';
import { until } from '../../support/server/wait.js';

const APP = 'dist/spec/fixtures/server/access.js';
const LISTENING = /^paceline: listening on http:\/\/(\S+):(\d+)\n/m;
const ACCESS = /^(\S+) - - \[[^\]]+\] (".*) (\d{3}) (\d+|-)( ".*")?$/;
const folder = mkdtempSync(join(tmpdir(), 'paceline-access-'));

forgetSettings();
test.after(() => rmSync(folder, { recursive: true }));

/** A server whose standard output has been read. */
class Logged implements AsyncDisposable {
  readonly #clients: Client[] = [];

  private constructor(
    readonly run: Run,
    readonly host: string,
    readonly port: number,
  ) {}

  static async start(app: string, ...line: string[]): Promise<Logged> {
    const run = new Run(app, '--port', '0', '--threads', '2', ...line);
    const { hostname, port } = new URL(await run.url());
    return new Logged(run, hostname, Number(port));
  }

  async connect(): Promise<Client> {
    const client = await Client.connect({ host: this.host, port: this.port });
    this.#clients.push(client);
    return client;
  }

  /** The lines, sorted, as those of different threads come in any order; without address and time: `"GET /" 200 5`. */
  async lines(count: number): Promise<string[]> {
    await until(`${count} lines`, () => this.#lines().length >= count);
    const lines = this.#lines().map((line) => {
      const [, address, request, status, bytes, more = ''] = ACCESS.exec(line)!;
      assert.is(address, '127.0.0.1');
      return `${request} ${status} ${bytes}${more}`;
    });
    return lines.sort();
  }

  async json(count: number): Promise<Record<string, unknown>[]> {
    await until(`${count} lines`, () => this.#lines().length >= count);
    return this.#lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  #lines(): string[] {
    return this.run.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('paceline:'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    this.run.kill('SIGKILL');
    await this.run.ended;
  }
}

test('every answer of a fetch app has its line, with the bytes of its body', async () => {
  await using server = await Logged.start(APP, '--access-log', 'common');
  const client = await server.connect();
  for (const path of ['/text', '/bytes', '/empty', '/stream', '/throws', '/text?a=1']) await client.get(path);
  await client.post('/echo', 'x'.repeat(100_000));
  void client.send('HEAD /text HTTP/1.1\r\nhost: test\r\n\r\n');
  assert.equal(
    await server.lines(8),
    [
      '"GET /text HTTP/1.1" 200 5',
      '"GET /bytes HTTP/1.1" 200 7',
      '"GET /empty HTTP/1.1" 204 -',
      '"GET /stream HTTP/1.1" 200 10',
      '"GET /throws HTTP/1.1" 500 22',
      '"GET /text?a=1 HTTP/1.1" 200 5',
      '"POST /echo HTTP/1.1" 200 100000',
      '"HEAD /text HTTP/1.1" 200 -',
    ].sort(),
  );
});

test('what is refused, and what ends without a response, has its line', async () => {
  await using server = await Logged.start(APP, '--access-log', 'common', '--max-body-size', '10');
  const refused = await server.connect();
  void refused.send('GET\x1b[31m "x" nonsense\r\n\r\n');
  assert.is((await refused.answer()).status, 400);
  const large = await server.connect();
  assert.is((await large.post('/echo', 'x'.repeat(11))).status, 413);
  const leaves = await server.connect();
  void leaves.send('GET /never HTTP/1.1\r\nhost: test\r\n\r\n');
  await (await server.connect()).get('/text');
  await leaves.close();
  const breaks = await server.connect();
  void breaks.send('GET /breaks HTTP/1.1\r\nhost: test\r\n\r\n');
  const lines = await server.lines(5);
  assert.equal(
    lines,
    [
      '"GET /breaks HTTP/1.1" 200 3',
      '"GET /never HTTP/1.1" 499 -',
      '"GET /text HTTP/1.1" 200 5',
      '"GET\\x1b[31m \\"x\\" nonsense" 400 12',
      lines.find((line) => line.includes('/echo')),
    ].sort(),
  );
  assert.match(lines.find((line) => line.includes('/echo'))!, /^"POST \/echo HTTP\/1\.1" 413 \d+$/);
});

test('a JSON line names the thread, the route and the trace', async () => {
  await using server = await Logged.start(APP, '--access-log', 'json');
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const fields = `traceparent: 00-${trace}-b7ad6b7169203331-01\r\nuser-agent: "spec"\r\n`;
  await (await server.connect()).get('/reports/7', fields);
  const [{ time, durationMs, thread, ...rest } = {}] = await server.json(1);
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.ok(Number(durationMs) >= 0);
  assert.ok([0, 1].includes(Number(thread)));
  assert.equal(rest, {
    type: 'access',
    remoteAddress: '127.0.0.1',
    method: 'GET',
    target: '/reports/7',
    httpVersion: '1.1',
    status: 200,
    bytes: 5,
    userAgent: '"spec"',
    route: 'GET /reports/:id',
    traceId: trace,
  });
});

test('requests to a Node server have their lines', async () => {
  const file = join(folder, 'server.mjs');
  writeFileSync(
    file,
    `import { createServer } from 'node:http';
    createServer((request, response) => {
      if (request.url === '/never') return;
      if (request.url === '/head') response.statusCode = 304;
      response.end(request.url === '/long' ? 'x'.repeat(1e6) : 'hello');
    }).on('upgrade', (request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n')).listen(process.env.PORT, '127.0.0.1');`,
  );
  await using server = await Logged.start(file, '--access-log', 'combined');
  const client = await server.connect();
  await client.get('/a', 'referer: http://b/\r\n');
  await client.get('/long');
  await client.get('/head');
  const leaves = await server.connect();
  void leaves.send('GET /never HTTP/1.1\r\nhost: test\r\n\r\n');
  await client.get('/z');
  await leaves.close();
  const refused = await server.connect();
  void refused.send('nonsense\r\n\r\n');
  await refused.answer();
  const upgraded = await server.connect();
  void upgraded.send('GET /ws HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
  assert.equal(
    await server.lines(7),
    [
      '"GET /a HTTP/1.1" 200 5 "http://b/" "-"',
      '"GET /head HTTP/1.1" 304 - "-" "-"',
      '"GET /long HTTP/1.1" 200 1000000 "-" "-"',
      '"GET /never HTTP/1.1" 499 - "-" "-"',
      '"GET /ws HTTP/1.1" 101 - "-" "-"',
      '"GET /z HTTP/1.1" 200 5 "-" "-"',
      '"nonsense" 400 - "-" "-"',
    ].sort(),
  );
});

test('a file of a directory counts with what was sent of it', async () => {
  const files = join(folder, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'large.txt'), 'x'.repeat(3_000_000));
  await using server = await Logged.start(files, '--access-log', 'common');
  const client = await server.connect();
  await client.get('/large.txt');
  await client.get('/large.txt', 'range: bytes=0-9\r\n');
  assert.equal(
    await server.lines(2),
    ['"GET /large.txt HTTP/1.1" 200 3000000', '"GET /large.txt HTTP/1.1" 206 10'].sort(),
  );
});

test('without the option, and with a share of 0, nothing is written', async () => {
  for (const line of [[], ['--access-log', 'common', '--access-log-sample', '0']]) {
    await using server = await Logged.start(APP, ...line);
    await (await server.connect()).get('/text');
    server.run.kill('SIGTERM');
    await server.run.ended;
    assert.match(server.run.stdout, /^paceline: listening on \S+\n$/);
  }
});

test('what has gathered is written when the server ends', async () => {
  await using server = await Logged.start(APP, '--access-log', 'common');
  const client = await server.connect();
  void client.send('GET /text HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(20));
  for (let count = 0; count < 20; count++) await client.answer();
  server.run.kill('SIGTERM');
  await server.run.ended;
  assert.is((await server.lines(20)).length, 20);
});

test('a reader that does not read costs lines, which are counted, and no request', async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const output = openSync(path, 'w');
  const line = [
    'dist/lib/cli/main.js',
    APP,
    '-p',
    '0',
    '-t',
    '1',
    '--dashboard',
    'off',
    '--access-log',
    'common',
  ];
  const child = spawn(process.execPath, line, { stdio: ['ignore', output, 'pipe'] });
  closeSync(output);
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  try {
    let printed = '';
    const buffer = Buffer.alloc(4096);
    await until('it listens', () => {
      try {
        printed += buffer.toString('utf8', 0, readSync(reader, buffer));
      } catch (error) {
        assert.is((error as NodeJS.ErrnoException).code, 'EAGAIN');
      }
      return LISTENING.test(printed);
    });
    const [, host, port] = LISTENING.exec(printed)!;
    const client = await Client.connect({ host: host!, port: Number(port) });
    const target = `/text?${'x'.repeat(1900)}`;
    for (let count = 0; count < 400; count++) assert.is((await client.get(target)).status, 200);
    await client.close();
    await until('a warning', () => stderr.includes('lines of the access log are lost'));
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
    closeSync(reader);
  }
});

test.run();
