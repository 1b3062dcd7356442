import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const CONSOLE = new URL('../../../lib/thread/console.js', import.meta.url).href;
/** Reached only where a thread waits in vain. */
const TIMEOUT_MS = 30_000;

const directory = mkdtempSync(join(tmpdir(), 'paceline-console-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

interface Printed {
  readonly output: string;
  readonly bytes: Buffer;
  /** What the thread says of itself, by `told`. */
  readonly told: unknown;
}

/**
 * Runs a module in a worker thread of another process, whose standard output and error are one file. The module may call
 * `tell(value)`.
 */
function inThread(code: string, { preload = '' } = {}): Printed {
  const file = join(directory, 'output');
  const told = join(directory, 'told');
  const thread = `
    import { appendFileSync, readFileSync } from 'node:fs';
    ${preload}
    const { installConsole } = await import(${JSON.stringify(CONSOLE)});
    const tell = (value) => appendFileSync(${JSON.stringify(told)}, JSON.stringify(value) + '\\n');
    const printed = () => readFileSync(${JSON.stringify(file)}, 'utf8');
    await installConsole();
    ${code}`;
  const main = `new worker_threads.Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(thread)}`)}))`;
  rmSync(told, { force: true });
  const output = openSync(file, 'w');
  const { status } = spawnSync(process.execPath, ['-e', main], {
    stdio: ['ignore', output, output],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  closeSync(output);
  const bytes = readFileSync(file);
  assert.is(status, 0, bytes.toString());
  const lines = textOf(told);
  return { output: bytes.toString(), bytes, told: lines === '' ? undefined : JSON.parse(lines) };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

test('what is printed has left the thread when the call returns', () => {
  const { told } = inThread(`
    const seen = [];
    console.log('one'); seen.push(printed());
    console.error('two'); seen.push(printed());
    process.stdout.write('three'); seen.push(printed());
    tell(seen);`);
  assert.equal(told, ['one\n', 'one\ntwo\n', 'one\ntwo\nthree']);
});

test('strings of every encoding and binary chunks are written as they are', () => {
  const { bytes } = inThread(`
    process.stdout.write('ff00', 'hex');
    process.stdout.write('é', 'latin1');
    process.stdout.write(new Uint8Array([0, 255, 10]));
    process.stdout.write(Buffer.from('é'));
    process.stdout.write('é');
    process.stdout.write('');`);
  assert.equal([...bytes], [255, 0, 0xe9, 0, 255, 10, 0xc3, 0xa9, 0xc3, 0xa9]);
});

test('a string of megabytes is written whole', () => {
  const { output } = inThread(`console.log('é'.repeat(4_000_000)); console.log('end');`);
  assert.is(output.length, 4_000_005);
  assert.ok(output.endsWith('é\nend\n'));
});

test('callbacks, back-pressure and finish come as of any stream', () => {
  const { told } = inThread(`
    const events = [];
    const out = process.stdout;
    out.on('finish', () => events.push('finish'));
    await new Promise((resolve) => out.write('a', 'utf8', (error) => resolve(events.push('written ' + (error ?? 'well')))));
    if (!out.write('b'.repeat(1_000_000))) await new Promise((resolve) => out.once('drain', resolve));
    await new Promise((resolve) => out.end('c', resolve));
    events.push('ended');
    tell(events);`);
  assert.equal(told, ['written well', 'finish', 'ended']);
});

test('what was corked is written by one call when it is uncorked', () => {
  const { told } = inThread(`
    process.stdout.cork();
    process.stdout.write('a'); process.stdout.write('62', 'hex'); process.stdout.write(Buffer.from('c'));
    const before = printed();
    process.stdout.uncork();
    tell([before, printed()]);`);
  assert.equal(told, ['', 'abc']);
});

test('a stream can be piped into it', () => {
  const { output } = inThread(`
    const { Readable } = await import('node:stream');
    const { pipeline } = await import('node:stream/promises');
    const lines = (name) => Readable.from(Array.from({ length: 1000 }, (_, n) => name + n + '\\n'));
    await new Promise((resolve) => lines('piped').on('end', resolve).pipe(process.stdout));
    await pipeline(lines('pipeline'), process.stdout);
    console.log('still open');`);
  const lines = output.split('\n');
  assert.is(lines.length, 2002);
  assert.equal(lines.slice(999, 1001), ['piped999', 'pipeline0']);
  assert.is(lines[2000], 'still open');
});

test('it says what it is', () => {
  const { told } = inThread(`
    const { stdout } = await import('node:process');
    tell([process.stdout.fd, process.stderr.fd, process.stdout.isTTY ?? 'none', stdout === process.stdout, stdout.writable]);`);
  assert.equal(told, [1, 2, 'none', true, true]);
});

test('what was printed before comes first, and streams that were taken before are the same', () => {
  const { output, told } = inThread(
    `taken.write('b\\n'); log('c'); console.log('d'); tell(taken === process.stdout);`,
    {
      preload: `console.log('a'); const taken = process.stdout; const { log } = console;`,
    },
  );
  assert.is(output, 'a\nb\nc\nd\n');
  assert.is(told, true);
});

for (const [end, code] of [
  ['process.exit()', 'process.exit(0);'],
  ['an exit listener', `process.on('exit', () => console.log('last')); process.exit(0);`],
] as const) {
  test(`nothing is lost at ${end}`, () => {
    const { output } = inThread(`for (let n = 0; n < 2000; n++) console.log('line', n);\n${code}`);
    assert.ok(output.includes('line 1999\n'));
    if (code.includes('last')) assert.ok(output.endsWith('last\n'));
  });
}

test('what cannot be written is dropped without an error', () => {
  const { told } = inThread(`
    const { closeSync, openSync } = await import('node:fs');
    const errors = [];
    process.stdout.on('error', (error) => errors.push(error.code));
    closeSync(1);
    // The same number, a device that is always full.
    const full = openSync('/dev/full', 'w');
    console.log('lost');
    await new Promise((resolve) => process.stdout.write('lost', (error) => resolve(errors.push(error ?? 'no error'))));
    tell([full, ...errors]);`);
  assert.equal(told, [1, 'no error']);
});

test.run();
