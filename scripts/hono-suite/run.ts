/** Runs Hono's tests by its own vitest under one set of classes, and reads the report. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Classes } from '../suites/classes.js';
import type { Results } from '../suites/compare.js';
import { readReport } from './report.js';

const INSTALL = new URL('./install.js', import.meta.url).href;
/** The vitest projects that need Node.js alone. Left out: bun, deno, deno-jsx, fastly, workerd, lambda, lambda-edge. */
const PROJECTS = ['main', 'jsx-runtime-default', 'jsx-runtime-dom', 'node'];

/**
 * @param folder of a checkout of Hono whose dependencies are installed
 * @throws when vitest writes no report
 */
export async function runHono(folder: string, classes: Classes): Promise<Results> {
  const scratch = mkdtempSync(join(tmpdir(), 'paceline-hono-'));
  try {
    const report = join(scratch, 'report.json');
    const args = [
      join(folder, 'node_modules/vitest/vitest.mjs'),
      '--run',
      '--coverage.enabled=false',
      '--reporter=json',
      `--outputFile=${report}`,
      ...PROJECTS.flatMap((project) => ['--project', project]),
    ];
    // Each process of vitest gets the options by the environment, also those that it starts.
    const env = { ...process.env, NODE_OPTIONS: `--import ${INSTALL}`, PACELINE_SUITE_CLASSES: classes };
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
    // vitest exits with 1 when a test fails, so only the report says whether it ran.
    await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    return readReport(readFileSync(report, 'utf8'), folder);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
