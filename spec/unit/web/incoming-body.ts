import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  HIGH_WATER_BYTES,
  IncomingBody,
  LOW_WATER_BYTES,
  SHARED_BUFFER_BYTES,
} from '../../../lib/web/incoming-body.js';

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A body with a source that counts its calls. */
function makeBody() {
  const told = { resumes: 0, firstUses: 0 };
  const body = new IncomingBody({
    resume: () => {
      told.resumes++;
    },
    onFirstUse: () => {
      told.firstUses++;
    },
  });
  return { body, told };
}

async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.unreachable('should have been rejected') as never,
    (error) => error,
  );
}

test('a body that came in one piece is handed over in memory of its own, and of its size', async () => {
  const { body, told } = makeBody();
  const input = bytesOf('-hello-');
  body.push(input, 1, 6);
  input.fill(0);
  body.end();
  assert.is(told.firstUses, 0);
  assert.is(body.used, false);
  const bytes = await body.bytes();
  assert.is(Buffer.from(bytes).toString(), 'hello');
  assert.is(bytes.buffer.byteLength, 5);
  assert.is(body.used, true);
  assert.is(told.firstUses, 1);
});

for (const [how, read] of Object.entries({
  text: async (body: IncomingBody) => body.text((text) => text),
  bytes: async (body: IncomingBody) => Buffer.from(await body.bytes()).toString(),
  stream: (body: IncomingBody) => new Response(body.stream()).text(),
})) {
  test(`a body that is lent is read as ${how}, before and after it is kept`, async () => {
    for (const keptFirst of [false, true]) {
      const { body, told } = makeBody();
      const input = Buffer.from('-grüezi-');
      body.lend(input, 1, input.length - 1);
      body.end();
      if (keptFirst) {
        body.keep();
        input.fill(0);
      }
      const promise = read(body);
      body.keep();
      input.fill(0);
      assert.is(await promise, 'grüezi');
      assert.is(told.firstUses, 1);
      assert.ok(body.used);
      assert.instance(await rejectionOf(body.text((text) => text)), TypeError);
    }
  });
}

test('what is lent behind a part that is queued is queued as well', async () => {
  const { body } = makeBody();
  body.push(bytesOf('ab'));
  const input = Buffer.from('cd');
  body.lend(input, 0, 2);
  input.fill(0);
  body.end();
  assert.is(await body.text((text) => text), 'abcd');
});

test('a discarded body keeps nothing of what was lent', async () => {
  const { body } = makeBody();
  body.lend(Buffer.from('ab'), 0, 2);
  body.end();
  body.discard();
  body.keep();
  assert.is(body.buffers, 0);
});

test('a text whose conversion throws rejects with that', async () => {
  const { body } = makeBody();
  body.lend(Buffer.from('ab'), 0, 2);
  body.end();
  const error = new Error('no');
  const failing = body.text(() => {
    throw error;
  });
  assert.is(await rejectionOf(failing), error);
});

test('chunks that come before and after bytes() are joined in order', async () => {
  const { body } = makeBody();
  body.push(bytesOf('ab'));
  const promise = body.bytes();
  body.push(bytesOf('cd'));
  body.push(new Uint8Array(0));
  body.push(bytesOf('e'));
  body.end();
  assert.is(Buffer.from(await promise).toString(), 'abcde');
});

test('an empty body gives no bytes', async () => {
  const { body } = makeBody();
  body.end();
  assert.is((await body.bytes()).byteLength, 0);
});

test('the body can be taken only once', async () => {
  const { body } = makeBody();
  body.end();
  await body.bytes();
  assert.instance(await rejectionOf(body.bytes()), TypeError);
  assert.throws(() => body.stream(), TypeError);
});

test('the queue is full at the high-water mark without a reader', () => {
  const { body, told } = makeBody();
  body.push(new Uint8Array(HIGH_WATER_BYTES - 1));
  assert.is(body.wantsMore, true);
  body.push(new Uint8Array(1));
  assert.is(body.wantsMore, false);
  assert.is(told.resumes, 0);
});

test('bytes() wants everything and resumes a full queue', async () => {
  const { body, told } = makeBody();
  body.push(new Uint8Array(HIGH_WATER_BYTES));
  const promise = body.bytes();
  assert.is(told.resumes, 1);
  assert.is(body.wantsMore, true);
  body.push(new Uint8Array(HIGH_WATER_BYTES * 4));
  assert.is(body.wantsMore, true);
  body.end();
  assert.is((await promise).byteLength, HIGH_WATER_BYTES * 5);
});

test('a stream asks for more only when the queue has fallen to the low mark', async () => {
  const { body, told } = makeBody();
  const size = SHARED_BUFFER_BYTES;
  const count = HIGH_WATER_BYTES / size;
  for (let i = 0; i < count; i++) body.push(new Uint8Array(size));
  assert.is(body.wantsMore, false);
  const reader = body.stream().getReader();
  for (let left = count - 1; left > LOW_WATER_BYTES / size; left--) {
    assert.is((await reader.read()).value?.byteLength, size);
    assert.is(told.resumes, 0);
    assert.is(body.wantsMore, false);
  }
  await reader.read();
  assert.is(told.resumes, 1);
  assert.is(body.wantsMore, true);
});

test('a stream does not read ahead of its reader', async () => {
  const { body, told } = makeBody();
  const stream = body.stream();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(told.firstUses, 0);
  body.push(new Uint8Array(HIGH_WATER_BYTES));
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(body.wantsMore, false);
  await stream.getReader().read();
  assert.is(told.firstUses, 1);
  assert.is(body.wantsMore, true);
});

test('a reader that waits gets what comes, then the end', async () => {
  const { body } = makeBody();
  const reader = body.stream().getReader();
  const reads = [reader.read(), reader.read(), reader.read()];
  for (const text of ['one', 'two']) {
    await new Promise((resolve) => setImmediate(resolve));
    body.push(bytesOf(text));
  }
  body.end();
  const results = await Promise.all(reads);
  assert.equal(
    results.map(({ done, value }) => (done ? 'end' : Buffer.from(value).toString())),
    ['one', 'two', 'end'],
  );
});

test('a stream made after the end gives everything', async () => {
  const { body } = makeBody();
  body.push(bytesOf('a'));
  body.push(bytesOf('b'));
  body.end();
  let text = '';
  for await (const chunk of body.stream() as unknown as AsyncIterable<Uint8Array>)
    text += Buffer.from(chunk).toString();
  assert.is(text, 'ab');
});

test('a reader may bring its own buffer', async () => {
  const { body } = makeBody();
  const reader = body.stream().getReader({ mode: 'byob' });
  body.push(bytesOf('hello'));
  const first = await reader.read(new Uint8Array(3));
  assert.is(Buffer.from(first.value!).toString(), 'hel');
  const second = await reader.read(new Uint8Array(8));
  assert.is(Buffer.from(second.value!).toString(), 'lo');
  const last = reader.read(new Uint8Array(8));
  body.end();
  assert.is((await last).done, true);
});

test('a stream leaves the rest of a shared buffer alone', async () => {
  const { body } = makeBody();
  const pool = bytesOf('hello world');
  body.push(pool.subarray(0, 5));
  const { value } = await body.stream().getReader().read();
  assert.is(Buffer.from(value!).toString(), 'hello');
  assert.is(Buffer.from(pool).toString(), 'hello world');
});

test('cancelling the stream discards what is queued and what comes', async () => {
  const { body, told } = makeBody();
  const stream = body.stream();
  body.push(new Uint8Array(HIGH_WATER_BYTES));
  await stream.cancel();
  assert.is(told.resumes, 1);
  body.push(new Uint8Array(HIGH_WATER_BYTES * 2));
  assert.is(body.wantsMore, true);
  body.end();
});

test('discard() before any use makes the body used', async () => {
  const { body, told } = makeBody();
  body.push(new Uint8Array(HIGH_WATER_BYTES));
  body.discard();
  assert.is(told.resumes, 1);
  assert.is(body.used, true);
  assert.instance(await rejectionOf(body.bytes()), TypeError);
});

test('discard() ends a stream in use with an error', async () => {
  const { body } = makeBody();
  const read = body.stream().getReader().read();
  body.discard();
  assert.instance(await rejectionOf(read), TypeError);
});

test('discard() does not affect a pending bytes()', async () => {
  const { body } = makeBody();
  const promise = body.bytes();
  body.discard();
  body.push(bytesOf('x'));
  body.end();
  assert.is((await promise).byteLength, 1);
});

test('a failure rejects bytes(), before and after', async () => {
  const gone = new Error('gone');
  const early = makeBody().body;
  early.push(bytesOf('half'));
  early.fail(gone);
  assert.is(await rejectionOf(early.bytes()), gone);
  const late = makeBody().body;
  const promise = late.bytes();
  late.fail(gone);
  assert.is(await rejectionOf(promise), gone);
});

test('a failure errors the stream, before, while and after it is read', async () => {
  const gone = new Error('gone');
  const early = makeBody().body;
  early.fail(gone);
  assert.is(await rejectionOf(early.stream().getReader().read()), gone);
  const waiting = makeBody().body;
  const read = waiting.stream().getReader().read();
  await new Promise((resolve) => setImmediate(resolve));
  waiting.fail(gone);
  assert.is(await rejectionOf(read), gone);
  const idle = makeBody().body;
  const stream = idle.stream();
  idle.fail(gone);
  assert.is(await rejectionOf(stream.getReader().read()), gone);
});

// ---- many small pieces ------------------------------------------------------------------------------------------------

const MIB = 1024 * 1024;

/** Pieces of one byte, each with its number. */
function pushSingly(body: IncomingBody, from: number, to: number): void {
  const piece = new Uint8Array(1);
  for (let at = from; at < to; at++) {
    piece[0] = at * 31 + (at >> 8);
    body.push(piece);
  }
}

function isCounted(bytes: Uint8Array): boolean {
  return bytes.every((byte, at) => byte === ((at * 31 + (at >> 8)) & 0xff));
}

test('pieces of one byte take a small multiple of their bytes while they are gathered', async () => {
  const { body } = makeBody();
  const promise = body.bytes();
  const before = process.memoryUsage();
  pushSingly(body, 0, 4 * MIB);
  const after = process.memoryUsage();
  assert.ok(body.buffers <= (4 * MIB) / SHARED_BUFFER_BYTES + 20, `${body.buffers} buffers`);
  const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  // An object for each would take 1 GB.
  assert.ok(grown < 64 * MIB, `${grown} bytes`);
  body.end();
  const bytes = await promise;
  assert.is(bytes.byteLength, 4 * MIB);
  assert.ok(isCounted(bytes));
});

test('pieces of one byte reach a stream as few chunks', async () => {
  const { body } = makeBody();
  pushSingly(body, 0, HIGH_WATER_BYTES);
  assert.is(body.wantsMore, false);
  assert.ok(body.buffers <= HIGH_WATER_BYTES / SHARED_BUFFER_BYTES + 20, `${body.buffers} buffers`);
  body.end();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.stream() as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
  assert.ok(chunks.length <= HIGH_WATER_BYTES / SHARED_BUFFER_BYTES + 20, `${chunks.length} chunks`);
  for (const chunk of chunks) assert.is(chunk.byteLength, chunk.buffer.byteLength);
  const bytes = Buffer.concat(chunks);
  assert.is(bytes.length, HIGH_WATER_BYTES);
  assert.ok(isCounted(bytes));
});

test('there is never more room unused than used, whatever the sizes of the pieces', async () => {
  const sizes = [1, 5000, 1, 1, 16_384, 3, 20_000, 1, 40, 33, 32, 31, 1000];
  for (const [turn] of sizes.entries()) {
    const { body } = makeBody();
    const order = [...sizes.slice(turn), ...sizes.slice(0, turn)];
    const source = new Uint8Array(50_000).map((_, at) => at * 31 + (at >> 8));
    const before = process.memoryUsage().arrayBuffers;
    let at = 0;
    for (const size of order) {
      body.push(source, at, at + size);
      at += size;
    }
    assert.ok(process.memoryUsage().arrayBuffers - before <= 2 * at + SHARED_BUFFER_BYTES);
    body.end();
    const bytes = await body.bytes();
    assert.is(bytes.byteLength, at);
    assert.ok(isCounted(bytes));
  }
});

test('pieces that come one by one while the stream is read keep their order', async () => {
  const { body } = makeBody();
  const reader = body.stream().getReader();
  const got: number[] = [];
  let at = 0;
  for (const size of [1, 3, 1, 200, 1, 1, 70_000]) {
    const read = reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    pushSingly(body, at, at + size);
    at += size;
    got.push(...(await read).value!);
  }
  body.end();
  for (let read = await reader.read(); !read.done; read = await reader.read()) got.push(...read.value);
  assert.is(got.length, at);
  assert.ok(isCounted(Uint8Array.from(got)));
});

test('what comes after the end is a mistake of the producer', () => {
  const { body } = makeBody();
  body.end();
  assert.throws(() => body.push(bytesOf('x')));
});

test.run();
