/** Packages that only a spec needs: installed on demand, outside of the project, with the versions of a lock file. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const INSTALL_MS = 170_000;

/**
 * A copy of `folder`, which has a package-lock.json, with its packages installed. Later runs use the same packages.
 *
 * @returns the copy's path, or null where the packages cannot be installed
 */
export function installed(folder: string): string | null {
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  const copy = join(tmpdir(), 'paceline-packages', `${basename(folder)}-${lock.slice(0, 16)}`);
  if (!existsSync(copy)) {
    mkdirSync(join(copy, '..'), { recursive: true });
    const fresh = mkdtempSync(`${copy}.`);
    try {
      for (const file of ['package.json', 'package-lock.json']) cpSync(join(folder, file), join(fresh, file));
      execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
        cwd: fresh,
        stdio: 'ignore',
        timeout: INSTALL_MS,
      });
      // At once, so that another run never sees it half installed.
      if (!existsSync(copy)) renameSync(fresh, copy);
    } catch {
      return null;
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  cpSync(folder, copy, { recursive: true });
  return copy;
}
