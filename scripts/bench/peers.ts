// The servers that the project does not depend on: Bun, Deno and piscina. What is neither named nor on PATH is installed by npm, in
// the versions of peers/package-lock.json, into the user's cache folder; once for each state of that file.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kind } from './targets.js';
import { onPath } from './tools.js';

/** The file of each peer that there is. */
export interface Peers {
  readonly bun?: string | undefined;
  readonly deno?: string | undefined;
  /** The module that `import` loads. */
  readonly piscina?: string | undefined;
}

type Peer = keyof Peers;

const MANIFESTS = fileURLToPath(new URL('../../../scripts/bench/peers/', import.meta.url));
const FILES = ['package.json', 'package-lock.json'] as const;
const PEERS: readonly Peer[] = ['bun', 'deno', 'piscina'];
/** Where npm has no binary for this machine, the file is missing after an installation too. */
const BINARIES = {
  bun: `@oven/bun-linux-${arch()}/bin/bun`,
  deno: `@deno/linux-${arch()}-glibc/deno`,
} as const;
/** Without a registry npm would go on trying for minutes. */
const NPM_ARGS = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];

/**
 * The peers among `kinds`. What it installs, and what cannot be installed, it says in a line each.
 *
 * @param bun a binary that is used in place of any other
 * @param installs whether it may install what is missing
 */
export async function findPeers(
  kinds: ReadonlySet<Kind>,
  bun: string | undefined,
  installs: boolean,
): Promise<Peers> {
  const known: Peers = { bun: bun ?? onPath('bun'), deno: onPath('deno') };
  const wanted = PEERS.filter((peer) => kinds.has(peer) && known[peer] === undefined);
  if (wanted.length === 0) return known;
  const folder = folderOfPeers();
  if (!existsSync(folder) && installs) await install(folder, wanted);
  const found = Object.fromEntries(wanted.map((peer) => [peer, fileOf(peer, folder)]));
  return { ...known, ...found };
}

/** The folder of the peers in their versions, whether or not they are installed. */
function folderOfPeers(): string {
  const digest = createHash('sha256')
    .update(readFileSync(join(MANIFESTS, 'package-lock.json')))
    .digest('hex');
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(cache, `paceline-bench-${digest.slice(0, 16)}`);
}

function fileOf(peer: Peer, folder: string): string | undefined {
  if (peer !== 'piscina') {
    const file = join(folder, 'node_modules', BINARIES[peer]);
    return existsSync(file) ? file : undefined;
  }
  return existsSync(join(folder, 'node_modules/piscina'))
    ? createRequire(join(folder, 'index.js')).resolve('piscina')
    : undefined;
}

/** Complete or absent: npm works in a folder of its own, which takes the name when it is done. */
async function install(folder: string, wanted: readonly Peer[]): Promise<void> {
  console.log(`installing ${wanted.join(', ')} into ${folder} (npm, 200 MB, once)`);
  mkdirSync(join(folder, '..'), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    for (const file of FILES) copyFileSync(join(MANIFESTS, file), join(scratch, file));
    await runNpm(scratch);
    renameSync(scratch, folder);
  } catch (error) {
    console.log(`not installed: ${wanted.join(', ')}: ${(error as Error).message}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function runNpm(folder: string): Promise<void> {
  const child = spawn('npm', [...NPM_ARGS, '--prefix', folder], { stdio: 'ignore' });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`npm ci exits with ${code}`);
}
