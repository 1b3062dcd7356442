/** Runs a case on a module like node:http. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case, HttpModule, Served } from './case.js';
import { Client, type Target } from './client.js';
import { describe, Trace } from './trace.js';

/** A case that takes longer hangs: none waits for more than a second or two of timeouts, though a busy machine may. */
const CASE_TIMEOUT_MS = 30_000;
/** Turns of the event loop that a server has for its last events, once all connections are closed. */
const LAST_TURNS = 10;

const HANGS = 'THE CASE HANGS';
const FAILS = 'THE CASE FAILS';

/** Whether the case has come to its end; on node:http it must. */
export function isSound(lines: readonly string[]): boolean {
  return !lines.some((line) => line === HANGS || line.startsWith(FAILS));
}

export interface Outcome {
  /** What the server's side logged. */
  readonly events: readonly string[];
  /** What each connection received, without dates, and how it ended. */
  readonly received: readonly string[];
}

let sockets = 0;

async function listen(served: Served, unix: boolean): Promise<Target> {
  const { server } = served;
  if (unix) {
    const path = join(tmpdir(), `paceline-differential-${process.pid}-${sockets++}`);
    rmSync(path, { force: true });
    server.listen(path);
    await once(server, 'listening');
    return { path };
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, host: '127.0.0.1' };
}

/** Without dates, and without the length of a report: cases send much as many x, y or z. */
function comparable(bytes: string): string {
  return bytes
    .replace(/^Date: .* GMT\r$/gm, 'Date: DATE\r')
    .replace(/x{10000}|y{10000}|z{10000}/g, (run) => `${run[0]}*`);
}

/** Waits for `work`; logs when it fails or takes too long. */
async function bounded(work: Promise<void>, trace: Trace): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CASE_TIMEOUT_MS);
  }).then(() => trace.log(HANGS));
  const failure = work.catch((error: unknown) => trace.log(`${FAILS}: ${describe(error)}`));
  await Promise.race([failure, late]);
  clearTimeout(timer);
}

/** What a case has left open that did not end as it should. */
function tearDown({ server, trace }: Served, clients: readonly Client[]): void {
  trace.stop();
  if (isSound(trace.lines)) return;
  for (const client of clients) client.destroy();
  server.closeAllConnections();
  server.close();
}

async function untilClosed({ server }: Served): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    // A server that does not listen calls back at once, with an error.
    server.close(() => resolve());
  });
  await closed;
  for (let turn = 0; turn < LAST_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function talk({ talk }: Case, served: Served, clients: readonly Client[]): Promise<void> {
  const first = served.connect();
  await once(first.socket, 'connect');
  await talk(first, served);
  for (const client of clients) client.end();
  for (const client of clients) await client.closed();
  await untilClosed(served);
}

/** Errors that nobody catches are events of the case: the process would end. */
async function catchingAll(trace: Trace, work: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const handlers = events.map(
    (event) => (error: unknown) => trace.log(`process ${event} ${describe(error)}`),
  );
  events.forEach((event, index) => {
    process.on(event, handlers[index]!);
  });
  try {
    await work();
  } finally {
    events.forEach((event, index) => {
      process.off(event, handlers[index]!);
    });
  }
}

export async function runCase(each: Case, http: HttpModule): Promise<Outcome> {
  const trace = new Trace();
  const server = http.createServer(each.options?.(http) ?? {});
  const clients: Client[] = [];
  let target: Target | undefined;
  const connect = (): Client => {
    const client = new Client(target!);
    clients.push(client);
    return client;
  };
  const served: Served = { http, server, trace, log: trace.log, connect };
  each.serve(served);
  target = await listen(served, each.unix === true);
  await catchingAll(trace, () => bounded(talk(each, served, clients), trace));
  tearDown(served, clients);
  const received = clients.map((client) => `${comparable(client.received)}<${client.ended}>`);
  return { events: [...trace.lines], received };
}
