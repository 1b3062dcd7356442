/**
 * The programs of others in spec/programs, and what the specs need of the clients there: each is copied into a cache folder
 * and installed there with the versions of its lock file, once for each state of its sources.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = 'spec/programs';
/** Written last, so that an interrupted installation is begun anew. */
const COMPLETE = '.complete';

/** Set by `npm run programs` to the cache folder. Without it, the specs of programs are skipped. */
export const PROGRAMS = 'PACELINE_PROGRAMS';

/** Shown where the specs are skipped. */
export const HOW_TO_RUN = '`npm run programs` installs the programs of others and runs these';

/** The names of all programs. */
export const programNames = (): string[] => readdirSync(SOURCES).filter(isFolder).sort();

/** Where a program is installed, or undefined where it is not. */
export function installed(name: string): string | undefined {
  const cache = process.env[PROGRAMS];
  if (cache === undefined) return undefined;
  const folder = folderOf(cache, name);
  return existsSync(join(folder, COMPLETE)) ? folder : undefined;
}

/**
 * Installs a program unless it is there, and runs its `build` script.
 *
 * @throws with npm's output
 */
export async function install(cache: string, name: string): Promise<void> {
  const folder = folderOf(cache, name);
  if (existsSync(join(folder, COMPLETE))) return;
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(SOURCES, name), folder, { recursive: true });
  // Not `ci`, which refuses a lock file without the optional packages of other platforms.
  await npm(folder, 'install', '--no-audit', '--no-fund');
  await npm(folder, 'run', 'build', '--if-present');
  writeFileSync(join(folder, COMPLETE), '');
}

/** The folder's name has a digest of all sources, so that a changed program is installed anew. */
function folderOf(cache: string, name: string): string {
  const source = join(SOURCES, name);
  const digest = createHash('sha256');
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()) {
    if (statSync(join(source, path)).isFile()) digest.update(path).update(readFileSync(join(source, path)));
  }
  return join(cache, `${name}-${digest.digest('hex').slice(0, 12)}`);
}

function isFolder(name: string): boolean {
  return statSync(join(SOURCES, name)).isDirectory();
}

function npm(folder: string, ...args: string[]): Promise<void> {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  const child = spawn('npm', args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ${args.join(' ')} failed in ${folder}:\n${output}`));
    });
  });
}
