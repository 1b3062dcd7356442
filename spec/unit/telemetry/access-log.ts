/** Lines gather, leave the thread whole, and are lost rather than waited for. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACCESS_LOST, COUNTERS } from '../../../lib/memory/counters.js';
import { ACCESS_LINES, type AccessEntry } from '../../../lib/telemetry/access-line.js';
import { AccessLog } from '../../../lib/telemetry/access-log.js';
import { type LogOutput, openLogOutput, PIPE_BUF } from '../../../lib/telemetry/log-output.js';

const HEAD = 'GET /a?b HTTP/1.1\r\nhost: test\r\nuser-agent: spec/1\r\nReferer: http://a/\r\n\r\n';
const ENTRY: AccessEntry = {
  at: Date.UTC(2026, 10, 22, 7, 40, 18, 5),
  remoteAddress: '127.0.0.1',
  head: { text: HEAD, methodEnd: 3, targetStart: 4, targetEnd: 8 },
  received: '',
  status: 200,
  bytes: 5,
  durationMicros: 1234.5,
  thread: 2,
  route: null,
  traceId: null,
  aborted: false,
};

/** A log whose output takes `room` bytes and then nothing. */
function accessLog(room = Number.POSITIVE_INFINITY, sample = 1, random = Math.random) {
  const counters = new Int32Array(COUNTERS.length);
  const written: string[] = [];
  const warnings: string[] = [];
  const waiting: { proceed(): void }[] = [];
  const output: LogOutput & { room: number } = {
    room,
    maxBytes: PIPE_BUF,
    write(bytes) {
      if (output.room < bytes.length) return 0;
      output.room -= bytes.length;
      written.push(Buffer.from(bytes).toString());
      return bytes.length;
    },
  };
  const parts = {
    output,
    counters,
    beforeWaiting: (work: { proceed(): void }) => void waiting.push(work),
    log: (_level: 'warn', message: string) => void warnings.push(message),
  };
  return {
    log: new AccessLog({ format: 'common', sample }, parts, random),
    output,
    counters,
    written,
    warnings,
    waiting,
  };
}

test('the formats have the fields that Apache has, in its order', () => {
  const [common, combined] = [ACCESS_LINES.common(ENTRY), ACCESS_LINES.combined(ENTRY)];
  assert.match(
    common,
    /^127\.0\.0\.1 - - \[2\d\/Nov\/2026:\d\d:\d\d:18 [+-]\d{4}\] "GET \/a\?b HTTP\/1\.1" 200 5\n$/,
  );
  assert.is(combined, common.replace('\n', ' "http://a/" "spec/1"\n'));
  const unknown = ACCESS_LINES.combined({ ...ENTRY, head: null, remoteAddress: '', status: 408, bytes: 0 });
  assert.match(unknown, /^- - - \[[^\]]+\] "-" 408 - "-" "-"\n$/);
});

test('a JSON line has all that is known, and nothing that is not', () => {
  const line = (entry: AccessEntry) => JSON.parse(ACCESS_LINES.json(entry)) as Record<string, unknown>;
  const fields = {
    type: 'access',
    time: '2026-11-22T07:40:18.005Z',
    remoteAddress: '127.0.0.1',
    method: 'GET',
    target: '/a?b',
    httpVersion: '1.1',
    status: 200,
    bytes: 5,
    durationMs: 1.234,
    referer: 'http://a/',
    userAgent: 'spec/1',
    thread: 2,
  };
  assert.equal(line(ENTRY), fields);
  const more = { route: 'GET /a', traceId: 'abc', aborted: true };
  assert.equal(line({ ...ENTRY, ...more }), { ...fields, ...more });
});

test('no line is longer than what a pipe takes whole', () => {
  const long = '\x1b'.repeat(16_384);
  const text = `GET /${long} HTTP/1.1\r\nreferer: ${long}\r\nuser-agent: ${long}\r\n\r\n`;
  const head = { text, methodEnd: 3, targetStart: 4, targetEnd: 5 + long.length };
  for (const format of ['common', 'combined', 'json'] as const) {
    const line = ACCESS_LINES[format]({
      ...ENTRY,
      head,
      route: long,
      traceId: 'a'.repeat(32),
      aborted: true,
    });
    assert.ok(line.length <= PIPE_BUF, `${format}: ${line.length}`);
    assert.is(line.indexOf('\n'), line.length - 1);
  }
});

test('lines gather until the thread is about to wait, and are written by one call', () => {
  const { log, written, waiting } = accessLog();
  for (let index = 0; index < 3; index++) log.add(ENTRY);
  assert.is(written.length, 0);
  assert.is(waiting.length, 1);
  waiting[0]!.proceed();
  assert.equal(written, [ACCESS_LINES.common(ENTRY).repeat(3)]);
  log.add(ENTRY);
  assert.is(waiting.length, 2);
});

test('a thread that never waits writes batches of whole lines', () => {
  const { log, written } = accessLog();
  const line = ACCESS_LINES.common(ENTRY);
  for (let index = 0; index < 1000; index++) log.add(ENTRY);
  assert.ok(written.length > 0);
  for (const batch of written) assert.is(batch, line.repeat(batch.length / line.length));
});

test('while nobody reads, lines are kept up to a bound; the others are lost and counted', () => {
  const { log, output, counters, written, warnings } = accessLog(0);
  const line = ACCESS_LINES.common(ENTRY);
  const count = 10_000;
  for (let index = 0; index < count; index++) log.add(ENTRY);
  const lost = counters[ACCESS_LOST]!;
  assert.ok(lost > 0 && lost < count);
  assert.is(warnings.length, lost);
  output.room = Number.POSITIVE_INFINITY;
  log.flush();
  assert.is(written.join(''), line.repeat(count - lost));
});

test('an output that has ended for good is written to no more, and nothing is kept', () => {
  const { log, output, counters } = accessLog();
  output.write = () => -1;
  for (let index = 0; index < 10_000; index++) log.add(ENTRY);
  assert.is(counters[ACCESS_LOST], 0);
});

test('a share of the requests is logged', () => {
  const numbers = [0, 0.24, 0.25, 0.99];
  const { log } = accessLog(0, 0.25, () => numbers.shift()!);
  assert.equal([log.samples(), log.samples(), log.samples(), log.samples()], [true, true, false, false]);
  assert.ok(accessLog(0, 1, () => 0.999).log.samples());
});

test('a full pipe is not waited for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'paceline-access-'));
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // One that waits: descriptor 1 is usually like that.
  const writer = openSync(path, constants.O_WRONLY);
  try {
    const { maxBytes, write } = openLogOutput(writer);
    const bytes = Buffer.alloc(maxBytes, 'x');
    let taken = 0;
    for (let count = write(bytes); count > 0; count = write(bytes)) taken += count;
    assert.ok(taken > 0);
    assert.is(write(bytes), 0);
    readSync(reader, Buffer.alloc(maxBytes));
    assert.is(write(bytes), bytes.length);
    closeSync(reader);
    assert.is(write(bytes), -1);
  } finally {
    closeSync(writer);
    rmSync(directory, { recursive: true });
  }
});

test.run();
