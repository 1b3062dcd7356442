import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HIGH_WATER_BYTES, IncomingBody, LOW_WATER_BYTES } from '../../lib/web/incoming-body.js';

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A body with a source that counts what it is told. */
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

test('a body that came in one chunk is handed over without a copy', async () => {
  const { body, told } = makeBody();
  const chunk = bytesOf('hello');
  body.push(chunk);
  body.end();
  assert.is(told.firstUses, 0);
  assert.is(body.used, false);
  assert.is(await body.bytes(), chunk);
  assert.is(body.used, true);
  assert.is(told.firstUses, 1);
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

test('the queue is full at the high mark when nobody reads', () => {
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
  const size = LOW_WATER_BYTES / 2;
  const count = HIGH_WATER_BYTES / size;
  for (let i = 0; i < count; i++) body.push(new Uint8Array(size));
  assert.is(body.wantsMore, false);
  const reader = body.stream().getReader();
  for (let left = count - 1; left > 2; left--) {
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

test('discard() leaves bytes() that somebody waits for alone', async () => {
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

test('what comes after the end is a mistake of the producer', () => {
  const { body } = makeBody();
  body.end();
  assert.throws(() => body.push(bytesOf('x')));
});

test.run();
