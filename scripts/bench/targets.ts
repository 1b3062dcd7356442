// The server runtimes that are compared, and how each is started.
//
// To add one: a kind, its line in `parseTarget`, and its command in `start`.

import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { collectOutput, startChild, stopChild, temporaryDirectory } from './children.js';

export type Kind = 'paceline' | 'cluster' | 'http' | 'nginx' | 'bun';

export interface Target {
  readonly name: string;
  readonly kind: Kind;
  /** Threads or processes that run handlers. */
  readonly workers: number;
}

export interface Server {
  readonly target: Target;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
}

const PACELINE = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));
const PACELINE_THREADS = 4;
const NGINX_PROCESSES = 2;
const START_LIMIT_MS = 15_000;

export const TARGET_NAMES = 'paceline[-THREADS], cluster-PROCESSES, http, nginx, bun';
export const DEFAULT_TARGETS: readonly string[] = [
  'paceline',
  'cluster-2',
  'cluster-4',
  'http',
  'nginx',
  'bun',
];

/** The target of a name such as `cluster-4`, or nothing where there is none. */
export function parseTarget(name: string): Target | undefined {
  const [, kind, count] = /^([a-z]+)(?:-([1-9]\d?))?$/.exec(name) ?? [];
  if (kind === 'paceline') return { name, kind, workers: Number(count ?? PACELINE_THREADS) };
  if (kind === 'cluster' && count) return { name, kind, workers: Number(count) };
  if ((kind === 'http' || kind === 'bun') && !count) return { name, kind, workers: 1 };
  if (kind === 'nginx' && !count) return { name, kind, workers: NGINX_PROCESSES };
  return undefined;
}

/** Why a target cannot run on this machine, or nothing where it can. */
export function missing(target: Target, bun: string | undefined): string | undefined {
  if (target.kind === 'paceline' && !existsSync(PACELINE)) return `${PACELINE} is not built`;
  if (target.kind === 'nginx' && !findNginx()) return 'nginx is not installed';
  if (target.kind === 'bun' && !(bun ?? onPath('bun'))) return 'bun is not on PATH; --bun FILE names one';
  return undefined;
}

/** The file of a command on PATH. */
export function onPath(command: string): string | undefined {
  return executable((process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, command)));
}

/** The file of nginx; Debian keeps it where only root's PATH looks. */
export function findNginx(): string | undefined {
  return onPath('nginx') ?? executable(['/usr/sbin/nginx']);
}

/**
 * Starts a target on a free port of the loopback interface and waits until it answers `/hello` as it must.
 * @throws when it does not within {@link START_LIMIT_MS}
 */
export async function start(target: Target, bun: string | undefined): Promise<Server> {
  const port = target.kind === 'nginx' ? await freePort() : undefined;
  const [command, ...args] = commandOf(target, bun, port);
  const child = startChild(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collectOutput(child);
  const end = Date.now() + START_LIMIT_MS;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  while (Date.now() < end && !failure && child.exitCode === null && child.signalCode === null) {
    const listeningPort = port ?? Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1] ?? 0);
    if (child.pid && listeningPort && (await answersHello(listeningPort))) {
      return { target, child, pid: child.pid, port: listeningPort };
    }
    await delay(50);
  }
  await stopChild(child);
  throw new Error(
    `${target.name} did not start: ${failure?.message ?? (output().trim() || 'it does not answer')}`,
  );
}

function commandOf(target: Target, bun: string | undefined, port?: number): [string, ...string[]] {
  switch (target.kind) {
    case 'paceline':
      return [
        process.execPath,
        PACELINE,
        '--port',
        '0',
        '--threads',
        `${target.workers}`,
        '--dashboard',
        'off',
      ];
    case 'cluster':
      return [process.execPath, serverFile('cluster-server'), `${target.workers}`];
    case 'http':
      return [process.execPath, serverFile('http-server')];
    case 'bun':
      return [bun ?? 'bun', serverFile('bun-server')];
    case 'nginx': {
      const prefix = temporaryDirectory();
      writeFileSync(join(prefix, 'nginx.conf'), nginxConfig(target.workers, port!));
      return [findNginx()!, '-p', prefix, '-c', 'nginx.conf', '-e', 'stderr'];
    }
  }
}

function serverFile(name: string): string {
  return fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url));
}

function nginxConfig(processes: number, port: number): string {
  return `daemon off;
worker_processes ${processes};
worker_rlimit_nofile 4096;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off;
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
    location = /hello { return 200 'hello world\\n'; }
  }
}
`;
}

/** Guards against comparing different work: every target must answer with the same twelve bytes. */
async function answersHello(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/hello`, { signal: AbortSignal.timeout(2000) });
    return (await response.text()) === 'hello world\n' && response.status === 200;
  } catch {
    return false;
  }
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

function executable(files: readonly string[]): string | undefined {
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
