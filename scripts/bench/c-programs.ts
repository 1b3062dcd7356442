// The programs in C, compiled when they are first needed: the floor of the servers, and the client for what wrk cannot do.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './children.js';
import { onPath } from './tools.js';

/** The sources, which are not copied to the folder of what is built. */
const SOURCES = fileURLToPath(new URL('../../../scripts/bench/c/', import.meta.url));

const compiled = new Map<string, string>();

/** The file of a compiled program. @throws without gcc, or where it refuses the source */
export function cProgram(name: 'floor' | 'client'): string {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const gcc = onPath('gcc');
  if (gcc === undefined) throw new Error('gcc is not on PATH, which compiles the programs in C');
  const file = join(temporaryDirectory(), name);
  const args = ['-O2', '-pthread', '-o', file, join(SOURCES, `${name}.c`)];
  execFileSync(gcc, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  compiled.set(name, file);
  return file;
}
