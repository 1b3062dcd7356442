/** Runs the suite's files, each in a thread of its own for each set of classes. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { CLASSES, type Classes } from '../suites/classes.js';
import type { Results } from '../suites/compare.js';
import type { TestFile } from './files.js';
import type { Task, TestResult } from './messages.js';

const FILE_THREAD = fileURLToPath(new URL('./file-thread.js', import.meta.url));
/** For a thread that does not even get to its own time limit. */
const KILL_TIMEOUT_MS = 120_000;

/** The results of one set of classes, and what failed tests say, by file and name. */
export interface Run {
  readonly results: Results;
  readonly messages: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** @throws when the thread dies or hangs: then nothing is known of the file */
function runFile(task: Task): Promise<TestResult[]> {
  const worker = new Worker(FILE_THREAD, { workerData: task });
  return new Promise<TestResult[]>((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`${task.file} under ${task.classes}: ${reason}`));
    const timer = setTimeout(() => fail('its thread hangs'), KILL_TIMEOUT_MS);
    worker.once('message', resolve);
    worker.once('error', (error) => fail(String(error)));
    worker.once('exit', () => {
      clearTimeout(timer);
      fail('its thread ended without results');
    });
  }).finally(() => worker.terminate());
}

/** @throws when a file has no results */
export async function runSuite(
  folder: string,
  origin: string,
  files: readonly TestFile[],
): Promise<ReadonlyMap<Classes, Run>> {
  const runs = new Map(CLASSES.map((classes) => [classes, { results: new Map(), messages: new Map() }]));
  const tasks = files.flatMap((file) => CLASSES.map((classes) => ({ folder, origin, classes, ...file })));
  async function work(): Promise<void> {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      const tests = await runFile(task);
      const { results, messages } = runs.get(task.classes)!;
      results.set(task.file, new Map(tests.map(({ name, passed }) => [name, passed])));
      messages.set(task.file, new Map(tests.map(({ name, message }) => [name, message])));
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return runs;
}
