/** What tells two versions of a file apart. */
import { statSync } from 'node:fs';

/** The version of a file that does not exist, or is no file. */
export const NO_FILE = '';

/** The file's version: it changes whenever the file is written or replaced. Never throws. */
export function fileVersion(path: string): string {
  try {
    const stat = statSync(path, { bigint: true });
    return stat.isFile() ? `${stat.mtimeNs}:${stat.size}:${stat.ino}` : NO_FILE;
  } catch {
    return NO_FILE;
  }
}

/** Whether it is the version of a file without content, as editors make it right before they write. */
export const isEmptyVersion = (version: string): boolean => version.split(':')[1] === '0';
