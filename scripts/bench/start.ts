// How each target is started, and what its server serves.

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { collectOutput, startChild, stopChild, temporaryDirectory } from './children.js';
import { filesFolder } from './files-folder.js';
import { floorProgram } from './floor-c.js';
import { BROWSER_FIELDS, REQUESTS } from './real-requests.js';
import { HELLO } from './servers/handler.js';
import { shelfPage } from './servers/page.js';
import { type Order, productOf, receiptOf } from './servers/shop.js';
import { PACELINE, RUNTIMES, type Server, type Target } from './targets.js';
import { findNginx, onPath } from './tools.js';

/**
 * What a server serves: the small handler; the same with idle connections kept for 75 s, as all targets but paceline's command
 * do anyway; the same with a dashboard, which only paceline has; that with a route that throws, and with few descriptors; the
 * small handler with no route that counts as blocking; the app of the real requests; a handler that does next to nothing; or the folder of {@link filesFolder},
 * which only paceline and nginx serve.
 */
export type Setup =
  | 'handler'
  | 'held'
  | 'dashboard'
  | 'control'
  | 'few-descriptors'
  | 'unlearned'
  | 'real'
  | 'bare'
  | 'files';

/** Setups for which only paceline has a server of its own. */
export const OWN_SETUPS: readonly Setup[] = ['held', 'unlearned'];

/** About three times what a server with four threads and a dashboard needs for itself. */
export const FEW_DESCRIPTORS = 256;
const APPS: Partial<Readonly<Record<Setup, string>>> = {
  control: 'control-app',
  'few-descriptors': 'control-app',
  unlearned: 'unlearned-app',
  real: 'real-app',
  bare: 'bare-app',
};
const SMALL_APP = 'handler';
const WITH_DASHBOARD: readonly Setup[] = ['dashboard', 'control', 'few-descriptors'];

const START_LIMIT_MS = 15_000;

/**
 * Starts a target on a free port of the loopback interface and waits until it answers correctly.
 * @throws when it does not within {@link START_LIMIT_MS}
 */
export async function start(target: Target, setup: Setup, bun?: string): Promise<Server> {
  const port = target.kind === 'nginx' ? await freePort() : undefined;
  const [command, ...args] = commandOf(target, setup, bun, port);
  const child = startChild(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collectOutput(child);
  const end = Date.now() + START_LIMIT_MS;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  while (Date.now() < end && !failure && child.exitCode === null && child.signalCode === null) {
    const listeningPort = port ?? Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1] ?? 0);
    if (child.pid && listeningPort && (await answersRightly(listeningPort, setup))) {
      const dashboard = /dashboard at (http:\S+)/.exec(output())?.[1];
      // The dashboard's line follows that of the port.
      if (WITH_DASHBOARD.includes(setup) && dashboard === undefined) continue;
      const runtime = runtimeOf(target, bun);
      return { target, child, pid: child.pid, port: listeningPort, dashboard, runtime };
    }
    await delay(50);
  }
  await stopChild(child);
  throw new Error(
    `${target.name} did not start: ${failure?.message ?? (output().trim() || 'it does not answer')}`,
  );
}

function runtimeOf({ kind }: Target, bun: string | undefined): string | undefined {
  if (!RUNTIMES.includes(kind)) return undefined;
  return kind === 'bun' ? (bun ?? 'bun') : process.execPath;
}

function commandOf(
  { kind, workers }: Target,
  setup: Setup,
  bun: string | undefined,
  port?: number,
): [string, ...string[]] {
  if (setup === 'files' && kind !== 'paceline' && kind !== 'nginx')
    throw new Error(`${kind} serves no files`);
  const app = APPS[setup] ?? SMALL_APP;
  switch (kind) {
    case 'paceline': {
      if (setup === 'held') return [process.execPath, serverFile('paceline-server'), `${workers}`, app];
      const limit = `--nofile=${FEW_DESCRIPTORS}:${FEW_DESCRIPTORS}`;
      const few = setup === 'few-descriptors';
      return [
        few ? 'prlimit' : process.execPath,
        ...(few ? [limit, process.execPath] : []),
        PACELINE,
        setup === 'files' ? filesFolder() : serverFile(app),
        '--port',
        '0',
        '--threads',
        `${workers}`,
        '--dashboard',
        WITH_DASHBOARD.includes(setup) ? '127.0.0.1:0' : 'off',
      ];
    }
    case 'cluster':
      return [process.execPath, serverFile('cluster-server'), app, `${workers}`];
    case 'fastify':
      return [process.execPath, serverFile('fastify-server'), `${workers}`];
    case 'http':
      return [process.execPath, serverFile('http-server'), app];
    case 'bun':
      return [bun ?? 'bun', serverFile('bun-server'), app, `${workers}`];
    case 'floor-c':
      return [floorProgram(onPath('gcc')!), `${workers}`];
    case 'floor-node':
      return [process.execPath, serverFile('floor-node'), `${workers}`];
    case 'nginx': {
      const prefix = temporaryDirectory();
      writeFileSync(join(prefix, 'nginx.conf'), nginxConfig(workers, setup, port!));
      return [findNginx()!, '-p', prefix, '-c', 'nginx.conf', '-e', 'stderr'];
    }
  }
}

function serverFile(name: string): string {
  return fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url));
}

function nginxConfig(processes: number, setup: Setup, port: number): string {
  const location =
    setup === 'files' ? `root ${filesFolder()};` : "location = /hello { return 200 'hello world\\n'; }";
  return `daemon off;
worker_processes ${processes};
worker_rlimit_nofile 4096;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  default_type text/plain;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:${port};
    ${location}
  }
}
`;
}

/** Guards against comparing different work: every target must answer with the same bytes. */
async function answersRightly(port: number, setup: Setup): Promise<boolean> {
  const expect = async (path: string, status: number, body: string, init: RequestInit = {}) => {
    const signal = AbortSignal.timeout(2000);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, signal });
    return (await response.text()) === body && response.status === status;
  };
  try {
    if (!(await expect('/hello', 200, HELLO))) return false;
    return setup !== 'real' || (await answersReally(expect));
  } catch {
    return false;
  }
}

async function answersReally(
  expect: (path: string, status: number, body: string, init?: RequestInit) => Promise<boolean>,
): Promise<boolean> {
  const agent = BROWSER_FIELDS['User-Agent']!;
  const body = REQUESTS['real-post'].bodyOf!(1);
  const posted = { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
  const [product, receipt] = [productOf('7', 'a', agent), receiptOf(JSON.parse(body) as Order)];
  return (
    (await expect('/products/7?list=a', 200, JSON.stringify(product), {
      headers: { 'User-Agent': agent },
    })) &&
    (await expect('/orders', 201, JSON.stringify(receipt), posted)) &&
    (await expect('/shelves/7?q=a%26b', 200, shelfPage('7', 'a&b')))
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
