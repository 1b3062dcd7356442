// The server runtimes that are compared.
//
// To add one: add its kind, a line in `parseTarget`, and its command in commands.ts.

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { STRATEGY_DEFAULT } from '../../lib/options/strategy.js';
import { DESCRIPTIONS, STRATEGIES, type StrategyName } from '../../lib/strategies/descriptions.js';

export type Kind =
  | 'paceline'
  | 'paceline-file'
  | 'cluster'
  | 'fastify'
  | 'http'
  | 'piscina'
  | 'nginx'
  | 'bun'
  | 'deno'
  | 'floor-c'
  | 'floor-node';

/** The kinds that run handlers in JavaScript, hello and real requests at least. */
export const RUNTIMES: readonly Kind[] = ['paceline', 'cluster', 'fastify', 'http', 'bun', 'deno'];
/** Those of them that have all routes of the small handler, as the apps in the style of fetch. */
export const FETCH_RUNTIMES: readonly Kind[] = ['paceline', 'cluster', 'http', 'bun', 'deno'];
/** Those and the one that differs from node:http in routes that compute or block, which its pool runs. */
export const BLOCKING_RUNTIMES: readonly Kind[] = [...FETCH_RUNTIMES, 'piscina'];
/** Those that run apps of node:http, all but the first as a server file that listens itself; `paceline-file` runs nothing else. */
export const NODE_RUNTIMES: readonly Kind[] = ['paceline', 'paceline-file', 'cluster', 'http'];
/** Those that echo over raw TCP. */
export const TCP_RUNTIMES: readonly Kind[] = ['paceline', 'cluster', 'http', 'bun', 'deno', 'floor-c'];

/** The strategies but for Paceline's default, which the kind's own name stands for. */
const OTHER_STRATEGIES = STRATEGIES.filter((name) => name !== STRATEGY_DEFAULT);

export interface Target {
  readonly name: string;
  readonly kind: Kind;
  /** Threads or processes: those that run handlers, and with a strategy the one that does I/O beside them. */
  readonly workers: number;
  /** Of paceline; its default where there is none. */
  readonly strategy?: StrategyName;
}

export interface Server {
  readonly target: Target;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  /** From the start of the process to its first right answer, where that is known. */
  readonly firstAnswerMs: number | undefined;
  /** The dashboard's URL, its token in the fragment, where there is one. */
  readonly dashboard: string | undefined;
  /** The command that runs its JavaScript, where it runs handlers in a process that this can be asked of. */
  readonly runtime: string | undefined;
}

/** The command of the build that this script belongs to, as the package has it. */
export const PACELINE = fileURLToPath(new URL('../../bundle/cli/main.js', import.meta.url));
const PACELINE_THREADS = 4;
const NGINX_PROCESSES = 2;
const FLOOR_THREADS = 2;

export const TARGET_NAMES = [
  'paceline[-THREADS]',
  ...OTHER_STRATEGIES.map((name) => (isSingle(name) ? name : `${name}[-THREADS]`)),
  'paceline-file[-THREADS]',
  'cluster-PROCESSES',
  'fastify-PROCESSES',
  'http',
  'piscina[-THREADS]',
  'nginx',
  'bun[-PROCESSES]',
  'deno[-THREADS]',
  'floor-c[-THREADS]',
  'floor-node[-THREADS]',
].join(', ');
export const DEFAULT_TARGETS: readonly string[] = [
  'paceline',
  'cluster-2',
  'cluster-4',
  'http',
  'nginx',
  'bun',
];

/** How much a run measures: what a check needs, what a comparison needs, or everything. */
export type Extent = 'quick' | 'main' | 'full';

/** Names of targets, or those of an extent. */
export type TargetNames = readonly string[] | ((extent: Extent) => readonly string[]);

/**
 * The servers of a scenario in which all of them take part that can, each with `handlers` threads or processes for handlers: a
 * strategy with a thread for I/O has that one in addition.
 */
export function servers(handlers: number): (extent: Extent) => readonly string[] {
  const strategies = OTHER_STRATEGIES.map((name) =>
    isSingle(name) ? name : `${name}-${handlers + DESCRIPTIONS[name].ioThreads}`,
  );
  const ours = [`paceline-${handlers}`, ...strategies];
  const more = ['http', `piscina-${handlers}`, `deno-${handlers}`];
  const floor = ['nginx', 'floor-c'];
  return (extent) => {
    if (extent === 'quick') return [`paceline-${handlers}`, `cluster-${handlers}`, 'http', 'floor-c'];
    const others = [`cluster-${handlers}`, `fastify-${handlers}`, `bun-${handlers}`];
    return [...ours, ...others, ...(extent === 'full' ? more : []), ...floor];
  };
}

/** The target of a name such as `cluster-4`; undefined if there is none. */
export function parseTarget(name: string): Target | undefined {
  const [, kind, count] = /^([a-z]+(?:-[a-z]+)*)(?:-([1-9]\d?))?$/.exec(name) ?? [];
  const workers = (otherwise: number) => Number(count ?? otherwise);
  switch (kind) {
    case 'paceline':
    case 'paceline-file':
      return { name, kind, workers: workers(PACELINE_THREADS) };
    case 'bun':
    case 'deno':
      return { name, kind, workers: workers(1) };
    case 'piscina':
      return { name, kind, workers: workers(PACELINE_THREADS) };
    case 'floor-c':
    case 'floor-node':
      return { name, kind, workers: workers(FLOOR_THREADS) };
    case 'cluster':
    case 'fastify':
      return count ? { name, kind, workers: Number(count) } : undefined;
    case 'http':
      return count ? undefined : { name, kind, workers: 1 };
    case 'nginx':
      return count ? undefined : { name, kind, workers: NGINX_PROCESSES };
    default:
      return strategyTarget(name, kind, count);
  }
}

function strategyTarget(
  name: string,
  wanted: string | undefined,
  count: string | undefined,
): Target | undefined {
  const strategy = OTHER_STRATEGIES.find((other) => other === wanted);
  if (strategy === undefined || (isSingle(strategy) && count !== undefined)) return undefined;
  const { ioThreads } = DESCRIPTIONS[strategy];
  const workers = isSingle(strategy) ? 1 : Number(count ?? PACELINE_THREADS + ioThreads);
  return { name, kind: 'paceline', workers, strategy };
}

/** Whether a strategy has one thread, however many are asked for. */
function isSingle(strategy: StrategyName): boolean {
  return DESCRIPTIONS[strategy].maxThreads === 1;
}
