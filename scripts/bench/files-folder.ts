// The folder that the servers of static files share.

import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './children.js';

const MIB = 1024 * 1024;

/** A file as it is asked for, with its size in bytes. */
export interface ServedFile {
  readonly path: string;
  readonly bytes: number;
}

/** As large as a bundle of scripts. */
export const SMALL_FILE: ServedFile = { path: '/100-kib.bin', bytes: 100 * 1024 };
/** As large as a film: no buffer of a socket holds it. */
export const LARGE_FILE: ServedFile = { path: '/100-mib.bin', bytes: 100 * MIB };

let folder: string | undefined;

/** The folder with both files, and with a `hello` for the check that every server passes at its start. */
export function filesFolder(): string {
  if (folder !== undefined) return folder;
  folder = temporaryDirectory();
  // The processes of nginx belong to another user when root starts it.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'hello'), 'hello world\n');
  const bytes = randomBytes(MIB);
  writeFileSync(join(folder, SMALL_FILE.path), bytes.subarray(0, SMALL_FILE.bytes));
  for (let size = 0; size < LARGE_FILE.bytes; size += bytes.length) {
    appendFileSync(join(folder, LARGE_FILE.path), bytes);
  }
  return folder;
}
