/** The calls of the process that a file makes in a thread. The main thread answers as the control plane does. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { changeDirectory } from '../../../lib/control/working-directory.js';
import { CHDIR_UNSUPPORTED, type DirectoryMessage } from '../../../lib/thread/messages.js';

const ENTRY = new URL('../../support/thread/process-calls.js', import.meta.url);
const start = process.cwd();
let root = '';

test.before(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'paceline-process-calls-')));
  mkdirSync(join(root, 'a/b'), { recursive: true });
});
test.before.each(() => process.chdir(root));
test.after.each(() => process.chdir(start));
test.after(() => rmSync(root, { recursive: true }));

interface Scene {
  readonly directories?: readonly string[];
  readonly app?: string;
  readonly chdirMs?: number;
  readonly answers?: (message: DirectoryMessage) => void;
}

interface Result {
  readonly argv: string[];
  readonly outcomes: unknown[];
  /** The folders that the thread has asked for. */
  readonly asked: string[];
}

async function run({ directories = [], app = 'app.js', chdirMs, answers = changeDirectory }: Scene) {
  const { port1, port2 } = new MessageChannel();
  const asked: string[] = [];
  port1.on('message', (message: DirectoryMessage) => {
    asked.push(message.directory);
    answers(message);
  });
  const url = app.startsWith('data:') ? app : pathToFileURL(join(root, app)).href;
  const worker = new Worker(ENTRY, {
    workerData: { app: url, port: port2, workingDirectory: root, directories, chdirMs },
    transferList: [port2],
  });
  try {
    const [result] = await once(worker, 'message');
    return { asked, ...result } as Result;
  } finally {
    port1.close();
    await worker.terminate();
  }
}

test('process.argv is that of `node file`', async () => {
  assert.equal((await run({})).argv, [process.execPath, join(root, 'app.js')]);
});

test('process.chdir() changes the folder of the process', async () => {
  const { outcomes } = await run({ directories: ['a/b', '..', root] });
  assert.equal(outcomes, [join(root, 'a/b'), join(root, 'a'), root]);
  assert.is(process.cwd(), root);
});

test('for the current folder it asks nobody', async () => {
  const { outcomes, asked } = await run({ directories: [root, '.', 'a', join(root, 'a'), '.'] });
  assert.equal(outcomes, [root, root, join(root, 'a'), join(root, 'a'), join(root, 'a')]);
  assert.equal(asked, [join(root, 'a')]);
});

test('the same relative path in each thread is the same folder', async () => {
  for (const _ of [1, 2]) {
    assert.equal((await run({ directories: ['a', 'b'] })).outcomes, [join(root, 'a'), join(root, 'a/b')]);
  }
});

test('a folder that is not there is the error of Node', async () => {
  const missing = 'none/there';
  const { outcomes } = await run({ directories: [missing, 'a'] });
  let nodes: unknown;
  try {
    process.chdir(root);
    process.chdir(missing);
  } catch (error) {
    const { name, message } = error as Error;
    nodes = { name, message, ...(error as object) };
  }
  assert.equal(outcomes, [nodes, join(root, 'a')]);
});

test('a main thread that does not answer is an error after the time', async () => {
  const { outcomes } = await run({ directories: ['a'], chdirMs: 20, answers: () => {} });
  const [{ code, message }] = outcomes as [Record<string, string>];
  assert.is(code, 'PACELINE_STATE');
  assert.match(message!, /the main thread, .+ has not answered within 0\.02 s$/);
});

test('an answer that comes too late changes nothing', async () => {
  const late: DirectoryMessage[] = [];
  await run({ directories: ['a'], chdirMs: 20, answers: (message) => late.push(message) });
  for (const message of late) changeDirectory(message);
  assert.is(late.length, 1);
  assert.is(process.cwd(), root);
});

test('in a server that runs in a worker thread the call is not supported, as in Node', async () => {
  const answers = ({ answer }: DirectoryMessage) => {
    Atomics.store(answer, 0, CHDIR_UNSUPPORTED);
    Atomics.notify(answer, 0);
  };
  const { outcomes } = await run({ directories: ['a'], answers });
  assert.is((outcomes[0] as { code: string }).code, 'ERR_WORKER_UNSUPPORTED_OPERATION');
});

test('an app that is no file has no folder to change', async () => {
  const { outcomes, asked, argv } = await run({ app: 'data:text/javascript,', directories: ['a'] });
  assert.is((outcomes[0] as { code: string }).code, 'ERR_WORKER_UNSUPPORTED_OPERATION');
  assert.equal(asked, []);
  assert.is(argv.length, 2);
});

test.run();
