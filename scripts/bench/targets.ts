// The server runtimes that are compared.
//
// To add one: add its kind, a line in `parseTarget`, and its command in start.ts.

import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findNginx, onPath } from './tools.js';

export type Kind = 'paceline' | 'cluster' | 'fastify' | 'http' | 'nginx' | 'bun' | 'floor-c' | 'floor-node';

/** The kinds that run handlers in JavaScript. */
export const RUNTIMES: readonly Kind[] = ['paceline', 'cluster', 'fastify', 'http', 'bun'];
/** Those of them that have all routes of the small handler, as the apps in the style of fetch. */
export const FETCH_RUNTIMES: readonly Kind[] = ['paceline', 'cluster', 'http', 'bun'];

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
  /** The dashboard's URL, its token in the fragment, where there is one. */
  readonly dashboard: string | undefined;
  /** The command that runs its JavaScript, where it runs handlers. */
  readonly runtime: string | undefined;
}

/** The command of the build that this script belongs to. */
export const PACELINE = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));
const PACELINE_THREADS = 4;
const NGINX_PROCESSES = 2;
const FLOOR_THREADS = 2;

export const TARGET_NAMES =
  'paceline[-THREADS], cluster-PROCESSES, fastify-PROCESSES, http, nginx, bun[-PROCESSES], floor-c[-THREADS], floor-node[-THREADS]';
export const DEFAULT_TARGETS: readonly string[] = [
  'paceline',
  'cluster-2',
  'cluster-4',
  'http',
  'nginx',
  'bun',
];

/** The target of a name such as `cluster-4`; undefined if there is none. */
export function parseTarget(name: string): Target | undefined {
  const [, kind, count] = /^([a-z]+(?:-[a-z]+)?)(?:-([1-9]\d?))?$/.exec(name) ?? [];
  switch (kind) {
    case 'paceline':
      return { name, kind, workers: Number(count ?? PACELINE_THREADS) };
    case 'bun':
      return { name, kind, workers: Number(count ?? 1) };
    case 'floor-c':
    case 'floor-node':
      return { name, kind, workers: Number(count ?? FLOOR_THREADS) };
    case 'cluster':
    case 'fastify':
      return count ? { name, kind, workers: Number(count) } : undefined;
    case 'http':
      return count ? undefined : { name, kind, workers: 1 };
    case 'nginx':
      return count ? undefined : { name, kind, workers: NGINX_PROCESSES };
    default:
      return undefined;
  }
}

/** Why a target cannot run on this machine; undefined if it can. */
export function missing(target: Target, bun: string | undefined): string | undefined {
  if (target.kind === 'paceline' && !existsSync(PACELINE)) return `${PACELINE} is not built`;
  if (target.kind === 'nginx' && !findNginx()) return 'nginx is not installed';
  if (target.kind === 'bun' && !(bun ?? onPath('bun'))) return 'bun is not on PATH; --bun FILE names one';
  if (target.kind === 'floor-c' && !onPath('gcc')) return 'gcc is not on PATH, which compiles it';
  return undefined;
}
