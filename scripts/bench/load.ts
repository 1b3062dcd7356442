// The two ways to put HTTP load on a server: wrk, and a client process of our own.

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startChild, stopChild } from './children.js';
import type { ClientMessage, Job } from './client.js';
import type { Figures } from './figures.js';
import { residentBytes, type Snapshot, takeSnapshot, useBetween } from './process-stats.js';
import type { Column } from './scenario.js';
import type { Server } from './targets.js';
import { runWrk, type WrkLoad } from './wrk.js';

const CLIENT = fileURLToPath(new URL('./client.js', import.meta.url));
const CLIENT_GRACE_MS = 15_000;
const MIB = 1024 * 1024;

export const WRK_COLUMNS: readonly Column[] = [
  { key: 'requestsPerSecond', title: 'requests/s', digits: 0 },
  { key: 'cpuUsPerRequest', title: 'CPU µs/request', digits: 2 },
  { key: 'p50Ms', title: 'p50 ms', digits: 2 },
  { key: 'p99Ms', title: 'p99 ms', digits: 2 },
  { key: 'switchesPerRequest', title: 'switches/request', digits: 3 },
  { key: 'residentMiB', title: 'resident MiB', digits: 0 },
];

/** Requests one path with wrk, and measures what that costs the server. */
export async function loadWithWrk({ pid, port }: Server, path: string, load: WrkLoad): Promise<Figures> {
  const before = takeSnapshot(pid);
  const result = await runWrk(`http://127.0.0.1:${port}${path}`, load);
  return {
    requestsPerSecond: result.requestsPerSecond,
    bytesRead: result.bytesRead,
    bytesPerSecond: result.bytesPerSecond,
    ...costOfRequests(pid, before, result.requests),
    p50Ms: result.p50Us / 1000,
    p99Ms: result.p99Us / 1000,
    errors: result.errors,
  };
}

/** What the requests since a snapshot cost a server, and the memory that it has now. @throws where there were none */
export function costOfRequests(pid: number, before: Snapshot, requests: number): Figures {
  const use = useBetween(before, takeSnapshot(pid));
  if (requests === 0) throw new Error('no request was answered');
  return {
    cpuUs: use.cpuUs,
    cpuUsPerRequest: use.cpuUs / requests,
    switchesPerRequest: use.switches / requests,
    residentMiB: residentBytes(pid) / MIB,
  };
}

/** Runs a job in a client process of its own; `whileReady` runs once the client says that it is ready. */
export async function loadWithClient(
  job: Job,
  expectedMs: number,
  whileReady?: () => Promise<void>,
): Promise<Figures> {
  const client = startChild(process.execPath, [CLIENT], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const timer = AbortSignal.timeout(expectedMs + CLIENT_GRACE_MS);
  try {
    client.send(job);
    let message = await nextMessage(client, timer);
    if ('ready' in message) {
      await whileReady?.();
      client.send('finish');
      message = await nextMessage(client, timer);
    }
    if (!('figures' in message)) throw new Error('the client sent something unexpected');
    return message.figures;
  } finally {
    await stopChild(client);
  }
}

function nextMessage(client: ChildProcess, limit: AbortSignal): Promise<ClientMessage> {
  return new Promise((resolve, reject) => {
    client.once('message', (message) => resolve(message as ClientMessage));
    client.once('exit', () => reject(new Error('the client ended without a result')));
    client.once('error', reject);
    limit.addEventListener('abort', () =>
      reject(new Error('the client did not finish in time: a request hangs')),
    );
  });
}
