// The versions of all that is measured, and the machine.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { version } from '../../lib/version.js';
import { runCommand } from './children.js';
import type { Peers } from './peers.js';
import { findNginx, onPath } from './tools.js';

const LIMIT_MS = 5000;
const NOT_FOUND = 'not found';
const GIB = 2 ** 30;

/** By the names that the report and the plots show. */
export async function versions({ bun, deno, piscina }: Peers): Promise<Record<string, string>> {
  const { resolve } = createRequire(import.meta.url);
  return {
    date: new Date().toISOString(),
    paceline: version(),
    node: process.version,
    bun: await firstLine(bun, '--version'),
    deno: (await firstLine(deno, '--version')).replace(/^deno (\S+).*/, '$1'),
    fastify: versionOfPackage(resolve('fastify')),
    hono: versionOfPackage(resolve('hono')),
    piscina: piscina === undefined ? NOT_FOUND : versionOfPackage(piscina),
    nginx: (await firstLine(findNginx(), '-v')).replace('nginx version: nginx/', ''),
    wrk: (await firstLine(onPath('wrk'), '-v')).replace(/ Copyright.*/, ''),
    slowhttptest: (await firstLine(onPath('slowhttptest'), '-h')).replace(/.* version /, ''),
    gcc: await firstLine(onPath('gcc'), '-dumpfullversion'),
    kernel: `Linux ${release()} ${arch()}`,
    cpu: `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / GIB).toFixed(0)} GiB`,
    load: `${loadavg()[0]!.toFixed(2)} over the last minute, at the start`,
  };
}

async function firstLine(command: string | undefined, flag: string): Promise<string> {
  if (command === undefined) return NOT_FOUND;
  return ((await runCommand(command, [flag], LIMIT_MS)).trim().split('\n')[0] ?? '').trim();
}

/** Of the package that a file belongs to: the nearest package.json with a version. */
function versionOfPackage(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { version: found } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        version?: string;
      };
      if (found !== undefined) return found;
    } catch {
      // This folder has none.
    }
  }
  return NOT_FOUND;
}
