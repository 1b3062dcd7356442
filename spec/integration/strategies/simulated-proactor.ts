/** What is particular to the simulated Proactor: all bytes pass through channels, which are smaller than what is sent here. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const BYTES = 5_000_000;

const start = (): Promise<Running> => Running.start('web', { strategy: 'simulated-proactor', threads: 3 });

const answered = (running: Running): Promise<void> =>
  until('a request is answered', () => running.server.threads().some(({ requests }) => requests > 0));

test('a client that reads late gets the whole response before its connection is closed', async () => {
  await using running = await start();
  const client = await running.connect();
  client.socket.pause();
  await client.send(`GET /large-bytes?bytes=${BYTES} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n`);
  await answered(running);
  client.socket.resume();
  const got = await client.rest();
  assert.ok(got.length > BYTES, `${got.length} bytes came`);
  await running.connections(0);
});

test('a response that its end delimits ends in order, where its client has ended its side already', async () => {
  await using running = await start();
  const clients = await running.connectMany(8);
  const get = async ({ socket }: Client) => {
    socket.pause();
    socket.end('GET /stream?chunks=200 HTTP/1.0\r\n\r\n');
    await answered(running);
    socket.resume();
  };
  await Promise.all(clients.map(get));
  for (const client of clients) {
    assert.ok((await client.rest()).length > 200 * 64 * 1024);
    assert.is(client.error, null);
  }
});

test('the thread that does the I/O answers no request', async () => {
  await using running = await start();
  const clients = await running.connectMany(8);
  for (const _ of range(5)) await Promise.all(clients.map((client) => client.get('/text')));
  assert.is(running.server.threads()[0]!.requests, 0);
});

const SOCKET_CALLS = 'accept4,recvfrom,recvmsg,sendto,sendmsg,sendfile,shutdown';

/** The threads that make calls of sockets, by their ids, while a server answers `requests`; from strace(1). */
async function socketThreads(strategy: string, requests: number): Promise<Set<string>> {
  const directory = mkdtempSync(join(tmpdir(), 'paceline-strace-'));
  const trace = join(directory, 'trace');
  const server = ['dist/lib/cli/main.js', 'dist/spec/fixtures/server/web.js', '--strategy', strategy];
  const line = ['-f', '-qq', '-e', `trace=${SOCKET_CALLS}`, '-o', trace, process.execPath, ...server];
  const child = spawn('strace', [...line, '--threads', '3', '--port', '0', '--dashboard', 'off'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const listening = /listening on http:\/\/\S+:(\d+)/;
    await until('it listens', () => listening.test(output));
    const port = Number(listening.exec(output)![1]);
    const clients = await Promise.all(range(8).map(() => Client.connect({ port })));
    for (let asked = 0; asked < requests; asked += clients.length)
      for (const answer of clients.map((client) => client.get('/text')))
        assert.is((await answer).status, 200);
    await Promise.all(clients.map((client) => client.close()));
  } finally {
    // Its child, which strace outlives.
    process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()));
    await once(child, 'exit');
  }
  const calls = readFileSync(trace, 'utf8').matchAll(/^(\d+) +(?:accept4|recv|send|shutdown)/gm);
  rmSync(directory, { recursive: true });
  return new Set([...calls].map(([, thread]) => thread!));
}

if (spawnSync('strace', ['true'], { stdio: 'ignore' }).status === 0) {
  test('workers make no system call on a socket', async () => {
    assert.is((await socketThreads('simulated-proactor', 400)).size, 1);
    assert.ok((await socketThreads('half-sync-half-reactive', 400)).size > 1, 'as the trace shows others');
  });
} else {
  console.log('skipped: system calls of workers, as strace cannot trace');
}

test.run();
