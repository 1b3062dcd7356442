// The folder that the servers of static files share.

import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './children.js';

const MIB = 1024 * 1024;

/** The path of a file in the URL, and its size. */
export interface ServedFile {
  readonly path: string;
  readonly bytes: number;
}

/** The size of a bundle of scripts. */
export const SMALL_FILE: ServedFile = { path: '/100-kib.bin', bytes: 100 * 1024 };
/** Far larger than a socket's buffer. */
export const LARGE_FILE: ServedFile = { path: '/100-mib.bin', bytes: 100 * MIB };

let folder: string | undefined;

/** The folder with both files, and with a `hello`, which every server must answer at its start. */
export function filesFolder(): string {
  if (folder !== undefined) return folder;
  folder = temporaryDirectory();
  // When root starts nginx, its workers run as another user.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'hello'), 'hello world\n');
  const bytes = randomBytes(MIB);
  writeFileSync(join(folder, SMALL_FILE.path), bytes.subarray(0, SMALL_FILE.bytes));
  for (let size = 0; size < LARGE_FILE.bytes; size += bytes.length) {
    appendFileSync(join(folder, LARGE_FILE.path), bytes);
  }
  return folder;
}
