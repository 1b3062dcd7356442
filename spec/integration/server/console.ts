/** What an app prints arrives whole, in the order in which its thread printed it, and whatever ends the thread. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import { Client } from '../../support/server/http-client.js';
import { range, until, WATCHDOG_MS } from '../../support/server/wait.js';

const MAIN = 'dist/lib/cli/main.js';
const APP = 'dist/spec/fixtures/server/prints.js';
const LISTENING = /^paceline: listening on http:\/\/(\S+):(\d+)$/m;
const THREADS = 4;
/** PIPE_BUF of Linux: as much is written to a pipe whole or not at all. */
const PIPE_BUF = 4096;

const canRun = (...[command, ...line]: [string, ...string[]]): boolean =>
  spawnSync(command, line, { stdio: 'ignore' }).status === 0;

/** A server with the app whose standard output and error go to one place. */
class Printing implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory = mkdtempSync(join(tmpdir(), 'paceline-console-'));
  readonly #file = join(this.#directory, 'output');
  readonly #clients: Client[] = [];
  /** The reading end of the pipe; -1 where the place is a file, or the reader has left. */
  #reader = -1;
  #read = '';
  #port = 0;

  private constructor(place: 'file' | 'pipe', line: readonly string[]) {
    if (place === 'pipe') {
      execFileSync('mkfifo', [this.#file]);
      this.#reader = openSync(this.#file, constants.O_RDONLY | constants.O_NONBLOCK);
    }
    const output = openSync(this.#file, 'w');
    this.#child = spawn(process.execPath, line, { stdio: ['ignore', output, output] });
    closeSync(output);
  }

  static async start(place: 'file' | 'pipe'): Promise<Printing> {
    const line = [MAIN, APP, '--port', '0', '--threads', `${THREADS}`, '--dashboard', 'off'];
    const printing = new Printing(place, line);
    await until('it listens', () => LISTENING.test(printing.output()));
    printing.#port = Number(LISTENING.exec(printing.output())![2]);
    return printing;
  }

  /** All that was printed so far, of which a pipe gives `maxBytes` at a time. */
  output(maxBytes = 65_536): string {
    if (this.#reader < 0) return readFileSync(this.#file, 'utf8');
    this.#readOnce(maxBytes);
    return this.#read;
  }

  async get(path: string, fields = ''): Promise<string> {
    const client = await Client.connect({ port: this.#port });
    this.#clients.push(client);
    return (await client.get(path, fields)).text;
  }

  /** Has all threads print at once. */
  async everyThread(path: string): Promise<void> {
    using gate = new Gate();
    const answers = Promise.all(range(THREADS).map(() => this.get(path, `x-gate: ${gate.path}\r\n`)));
    await gate.entered(THREADS);
    gate.release(THREADS);
    await answers;
  }

  /** From now on nobody reads the pipe. */
  closeReader(): void {
    closeSync(this.#reader);
    this.#reader = -1;
  }

  /** Ends it as a service manager does. @returns all that was printed */
  async end(): Promise<string> {
    this.#child.kill('SIGTERM');
    await until('it has ended', () => this.output() !== '' && this.#child.exitCode !== null);
    assert.is(this.#child.exitCode, 0);
    while (this.#reader >= 0 && this.#readOnce(65_536) > 0) {}
    return this.output();
  }

  #readOnce(maxBytes: number): number {
    const buffer = Buffer.alloc(maxBytes);
    try {
      const count = readSync(this.#reader, buffer);
      this.#read += buffer.toString('latin1', 0, count);
      return count;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      return 0;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#child.kill('SIGKILL');
    if (this.#reader >= 0) this.closeReader();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The numbers that each thread has printed, in the order in which they arrived. Fails where a line is torn. */
function numbersOf(output: string): Map<number, number[]> {
  const numbers = new Map<number, number[]>();
  for (const line of output.split('\n')) {
    if (!/^\d+ \d+ (printed|leaving) /.test(line)) {
      assert.not.match(line, /printed|leaving|xx/, 'a torn line');
      continue;
    }
    const [, text, length] = /^(.*) (\d+)$/.exec(line)!;
    assert.is(text!.length, Number(length), line);
    const [thread, number] = line.split(' ').map(Number) as [number, number];
    numbers.set(thread, [...(numbers.get(thread) ?? []), number]);
  }
  return numbers;
}

function assertCounted(numbers: readonly number[] = [], count: number): void {
  assert.is(
    numbers.findIndex((number, index) => number !== index),
    -1,
    'in order',
  );
  assert.is(numbers.length, count);
}

test('a thread prints to standard output and error in one order', async () => {
  await using printing = await Printing.start('file');
  const thread = Number(await printing.get('/'));
  assertCounted(numbersOf(printing.output()).get(thread), 500);
});

test('what a handler that never returns has printed is there', async () => {
  await using printing = await Printing.start('file');
  printing.get('/hang').catch(() => {});
  await until('all is printed', () => / 499 printed /.test(printing.output()));
});

test('no line of threads that print at once is torn, however long it is, in a file', async () => {
  await using printing = await Printing.start('file');
  await printing.everyThread('/?lines=300&width=20000');
  const numbers = numbersOf(printing.output());
  for (const thread of range(THREADS)) assertCounted(numbers.get(thread), 300);
});

test('nothing is lost or torn in a pipe whose reader is slow', async () => {
  await using printing = await Printing.start('pipe');
  let finished = false;
  const answered = printing.everyThread('/?lines=300&width=1000').finally(() => {
    finished = true;
  });
  // Odd portions, so that the pipe has room for parts of lines.
  await until('it is read', () => printing.output(PIPE_BUF - 1) !== '' && finished);
  await answered;
  const output = await printing.end();
  const numbers = numbersOf(output);
  for (const thread of range(THREADS)) assertCounted(numbers.get(thread), 400);
});

test('a thread whose output nobody reads waits, and the others serve', async () => {
  await using printing = await Printing.start('pipe');
  let answered = false;
  const waiting = printing.get('/?lines=1000&width=1000').then(() => {
    answered = true;
  });
  for (const _ of range(20)) assert.match(await printing.get('/?lines=0'), /^\d$/);
  assert.not.ok(answered);
  await until('it is read', () => printing.output() !== '' && answered);
  await waiting;
});

test('a thread does not die of a reader that has left', async () => {
  await using printing = await Printing.start('pipe');
  printing.closeReader();
  const threads = new Set<string>();
  for (const _ of range(20)) threads.add(await printing.get('/?lines=10'));
  assert.ok(threads.size > 0);
});

for (const [end, path] of [
  ['process.exit()', '/exit'],
  ['an uncaught error', '/throw'],
] as const) {
  for (const place of ['file', 'pipe'] as const) {
    test(`nothing is lost in a ${place} when a thread ends by ${end}`, async () => {
      await using printing = await Printing.start(place);
      await printing.get(path).catch(() => {});
      await until('the thread has ended', () => printing.output().includes('99 leaving '));
    });
  }
}

for (const place of ['file', 'pipe'] as const) {
  test(`nothing that threads print while they leave at shutdown is lost in a ${place}`, async () => {
    await using printing = await Printing.start(place);
    const numbers = numbersOf(await printing.end());
    for (const thread of range(THREADS)) assertCounted(numbers.get(thread), 100);
  });
}

test('what pino writes to the descriptor itself comes in order with the rest', async () => {
  await using printing = await Printing.start('file');
  const thread = await printing.get('/pino');
  const lines = printing.output().split('\n');
  const at = ['"by itself"', '"by the stream"', `${thread} 499 printed`].map((text) =>
    lines.findIndex((line) => line.includes(text)),
  );
  assert.ok(at.every((line) => line >= 0));
  const [itself, stream, last] = at as [number, number, number];
  assert.ok(last < itself && itself < stream);
});

const terminal = canRun('script', '--version') ? test : test.skip;
if (terminal === test.skip) console.log('\nskipped: there is no script(1), which opens a terminal');

terminal('on a terminal, a thread sees what the main thread would see', async () => {
  const command = `stty cols 91 rows 33; exec ${process.execPath} ${MAIN} ${APP} --port 0 --threads 1 --dashboard off`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // Nothing else that says how many colours there are.
    env: { PATH: process.env.PATH, TERM: 'xterm-256color' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text.replaceAll('\r', '');
  });
  try {
    await until('it listens', () => LISTENING.test(output));
    const client = await Client.connect({ port: Number(LISTENING.exec(output)![2]) });
    const { text } = await client.get('/terminal?lines=1');
    assert.equal(JSON.parse(text), {
      isTTY: true,
      columns: 91,
      rows: 33,
      size: [91, 33],
      colours: true,
      depth: 8,
    });
    await client.close();
    await until('it is printed', () => /^0 0 printed /m.test(output));
  } finally {
    child.kill('SIGTERM');
  }
});

/** An embedder that has replaced process.stdout.write, and whose main thread is busy until a thread has printed. */
const EMBEDDER = `
  import { readFileSync, writeSync } from 'node:fs';
  import { createServer } from ${JSON.stringify(`${process.cwd()}/dist/lib/index.js`)};
  const taken = [];
  process.stdout.write = (text) => taken.push(text);
  const server = createServer({ app: ${JSON.stringify(`${process.cwd()}/${APP}`)}, threads: 1 });
  await server.listen({ port: 0 });
  while (!readFileSync(process.env.OUTPUT, 'utf8').includes('tick')) {}
  await server.close();
  writeSync(2, JSON.stringify(taken));`;

test('what threads print goes past a main thread that is busy, and past what an embedder has put in place', () => {
  const directory = mkdtempSync(join(tmpdir(), 'paceline-console-'));
  const file = join(directory, 'output');
  const output = openSync(file, 'w');
  const program = join(directory, 'embedder.mjs');
  writeFileSync(program, EMBEDDER);
  const { stderr, signal } = spawnSync(process.execPath, [program], {
    stdio: ['ignore', output, 'pipe'],
    env: { ...process.env, OUTPUT: file, TICKING: 'yes' },
    timeout: WATCHDOG_MS,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  closeSync(output);
  const printed = readFileSync(file, 'utf8');
  rmSync(directory, { recursive: true });
  assert.is(signal, null, stderr);
  assert.match(printed, /^tick$/m, stderr);
  assert.match(stderr, /\[\]$/);
});

test.run();
