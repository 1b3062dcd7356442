/**
 * Runs the specs: each file in a process of its own, one after the other, so that no file is affected by another's descriptors
 * or threads. Ends with a line `N passed, M failed`, and fails when anything failed.
 *
 *   node dist/scripts/test.js [PART OF A PATH …]
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const SPECS = fileURLToPath(new URL('../spec/', import.meta.url));
/** A file that takes longer is taken to hang, and killed. The longest takes half a minute on two cores, and much more on busy ones. */
const FILE_TIMEOUT_MS = 600_000;

interface Result {
  readonly passed: number;
  readonly failed: number;
}

/** Specs are the files that run as such: neither helpers, nor apps and workers that a spec starts, nor tests of types. */
function specFiles(): string[] {
  return readdirSync(SPECS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js') && !/(^|\/)(support|fixtures|types)\//.test(file))
    .sort();
}

async function run(file: string): Promise<Result> {
  const child = spawn(process.execPath, ['--enable-source-maps', join(SPECS, file)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let hangs = false;
  const timer = setTimeout(() => {
    hangs = child.kill('SIGKILL');
  }, FILE_TIMEOUT_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  const total = Number(/^\s*Total:\s+(\d+)/m.exec(output)?.[1] ?? 0);
  const passed = Number(/^\s*Passed:\s+(\d+)/m.exec(output)?.[1] ?? 0);
  const skipped = Number(/^\s*Skipped:\s+(\d+)/m.exec(output)?.[1] ?? 0);
  // A file that dies before or after its summary has failed, whatever its counts say.
  const failed = Math.max(total - passed - skipped, code === 0 && total > 0 ? 0 : 1);
  const name = relative('.', join('spec', file.replace(/\.js$/, '.ts')));
  const end = hangs ? `, killed after ${FILE_TIMEOUT_MS / 1000} s` : code === 0 ? '' : `, exit ${code}`;
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${passed} of ${total}${end}`);
  if (failed > 0) console.log(output);
  else for (const line of output.split('\n')) if (line.startsWith('skipped:')) console.log(`     ${line}`);
  return { passed, failed };
}

const wanted = process.argv.slice(2);
const files = specFiles().filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
const results: Result[] = [];
for (const file of files) results.push(await run(file));
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
