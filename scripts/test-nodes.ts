/**
 * Runs the specs under several versions of Node, one after the other, and prints a line for each; what a failing one printed
 * comes before its line. Fails when any of them failed.
 *
 *   node dist/scripts/test-nodes.js [--versions 20,22,24,26] [PART OF A PATH …]
 *
 * A version's binary is the one that the environment names (NODE22=FILE), or npm's build, installed outside the repository.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const TEST = fileURLToPath(new URL('./test.js', import.meta.url));
/** Those that package.json's `engines` allows and that are maintained, and the current one. */
const VERSIONS = '20,22,24,26';
const FOLDER = join(tmpdir(), 'paceline-nodes');
const PACKAGE = `node-linux-${process.arch}`;

interface Outcome {
  readonly output: string;
  /** Undefined where a signal ended it. */
  readonly code: number | undefined;
}

/** Runs a command to its end. @throws when it cannot be started */
function run(command: string, args: readonly string[], path = process.env.PATH ?? ''): Promise<Outcome> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ output, code: code ?? undefined }));
  });
}

/** The binary of a version. @throws when it is not to be had */
async function binaryOf(version: string): Promise<string> {
  const named = process.env[`NODE${version}`];
  if (named !== undefined) return realpathSync(named);
  const prefix = join(FOLDER, version);
  const binary = join(prefix, 'node_modules', PACKAGE, 'bin', 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(prefix, { recursive: true });
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', prefix];
  const { output, code } = await run('npm', [...args, `${PACKAGE}@${version}`]);
  if (code !== 0 || !existsSync(binary)) throw new Error(`npm installs no ${PACKAGE}@${version}:\n${output}`);
  return binary;
}

/** @returns whether all specs passed */
async function test(version: string, parts: readonly string[]): Promise<boolean> {
  try {
    const binary = await binaryOf(version);
    const real = (await run(binary, ['--version'])).output.trim().slice(1);
    // First in PATH as well, for what a spec or the command starts by its name.
    const path = `${dirname(binary)}${delimiter}${process.env.PATH ?? ''}`;
    const { output, code } = await run(binary, [TEST, ...parts], path);
    const counts = /^\d+ passed, \d+ failed$/m.exec(output)?.[0];
    const line = counts ?? `no result${code === undefined ? '' : `, exit ${code}`}`;
    if (code !== 0) console.log(output);
    console.log(`node ${real}: ${line}`);
    return code === 0 && counts !== undefined;
  } catch (error) {
    console.log(`node ${version}: ${(error as Error).message}`);
    return false;
  }
}

const { values, positionals } = parseArgs({
  options: { versions: { type: 'string', default: VERSIONS } },
  allowPositionals: true,
});
let passed = true;
for (const version of values.versions.split(',')) passed = (await test(version, positionals)) && passed;
process.exitCode = passed ? 0 : 1;
