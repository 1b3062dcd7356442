// What a handler costs by itself: the same source as the server runs, in a loop on the runtime that the server runs on. It depends on
// neither the server nor the round, so it is measured once.

import { fileURLToPath } from 'node:url';
import { runCommand } from './children.js';
import type { RequestKind } from './real-requests.js';
import type { Server } from './targets.js';

const LOOP = fileURLToPath(new URL('./handler-loop.js', import.meta.url));
const LOOP_MS = 600;
const LIMIT_MS = 15_000;

const known = new Map<string, number>();

/** The CPU time of one call of a handler in microseconds; undefined for a server that runs no handler. */
export async function handlerUs({ target, runtime }: Server, kind: RequestKind): Promise<number | undefined> {
  if (runtime === undefined) return undefined;
  const style = target.kind === 'fastify' ? 'fastify' : 'fetch';
  const key = `${runtime} ${style} ${kind}`;
  const cpuUs = known.get(key) ?? (await measure(runtime, style, kind));
  known.set(key, cpuUs);
  return cpuUs;
}

async function measure(runtime: string, style: string, kind: RequestKind): Promise<number> {
  const output = await runCommand(runtime, [LOOP, style, kind, `${LOOP_MS}`], LIMIT_MS);
  const cpuUs = Number(output);
  if (!(cpuUs > 0)) throw new Error(`the loop of the handler failed: ${output.trim()}`);
  return cpuUs;
}
