/** Installs what the suites need, once for each state of the lock file, and lays out a folder in which they find it. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SUITES } from './suites.js';

/** Where package.json and its lock file are: beside the source of this file. */
const MANIFESTS = fileURLToPath(new URL('../../../scripts/node-suites/', import.meta.url));

/** @throws when npm fails */
async function runNpm(folder: string): Promise<void> {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder];
  const child = spawn('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`npm cannot install the packages of ${MANIFESTS}: it exits with ${code}`);
}

/**
 * @returns the `node_modules` with the packages that package.json names
 * @throws when npm cannot install them
 */
export async function installPackages(): Promise<string> {
  const lock = readFileSync(join(MANIFESTS, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `paceline-node-suites-${digest}`);
  const packages = join(folder, 'node_modules');
  if (existsSync(packages)) return packages;
  // Complete or absent: npm works in a folder of its own, which takes the name when it is done.
  const scratch = mkdtempSync(`${folder}-`);
  try {
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(MANIFESTS, file), join(scratch, file));
    await runNpm(scratch);
    renameSync(scratch, folder);
  } catch (error) {
    rmSync(scratch, { recursive: true });
    // Another run may have been first.
    if (!existsSync(packages)) throw error;
  }
  return packages;
}

/**
 * Makes a folder with each suite in the package that it tests, so that a test's `require('..')` is the package.
 *
 * @param packages the installed `node_modules`
 * @param suites the folder of the suites, which is only read
 * @returns the folder, to be removed by the caller; a suite's package has the name of the suite there
 */
export function layOut(packages: string, suites: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-node-suites-run-'));
  symlinkSync(packages, join(folder, 'node_modules'));
  for (const { name, standIns } of SUITES) {
    cpSync(join(packages, name), join(folder, name), { recursive: true });
    cpSync(join(suites, name, 'test'), join(folder, name, 'test'), { recursive: true });
    for (const [file, content] of Object.entries(standIns)) {
      const path = join(folder, name, file);
      mkdirSync(dirname(path), { recursive: true });
      if (!existsSync(path)) writeFileSync(path, content);
    }
  }
  return folder;
}
