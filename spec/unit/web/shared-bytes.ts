/** Bytes have one owner: those that are passed in or out can be changed or transferred without effect on others. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { IncomingBody } from '../../../lib/web/incoming-body.js';
import { createRequest } from '../../../lib/web/light-request.js';
import { installResponse } from '../../../lib/web/light-response.js';
import { toOutgoing } from '../../../lib/web/to-outgoing.js';

installResponse();

type Reads = Body & { bytes(): Promise<Uint8Array<ArrayBuffer>> };
interface Body {
  arrayBuffer(): Promise<ArrayBuffer>;
  text(): Promise<string>;
}

function request(...chunks: Uint8Array[]): Request {
  const text = 'POST / HTTP/1.1\r\n\r\n';
  const offsets = {
    methodEnd: 4,
    targetStart: 5,
    targetEnd: 6,
    headersStart: 17,
    hostStart: -1,
    hostEnd: -1,
  };
  const body = new IncomingBody({ resume: () => undefined });
  for (const chunk of chunks) body.push(chunk);
  body.end();
  return createRequest({ text, ...offsets, fallbackHost: 'localhost' }, body);
}

/** Detaches the memory, as postMessage() with a transfer list does. */
const transfer = (buffer: ArrayBuffer): unknown => structuredClone(buffer, { transfer: [buffer] });

const EMPTY: [string, () => Body][] = [
  ['request without chunks', () => request()],
  ['response of null', () => new Response(null)],
  ['response of a text', () => new Response('')],
  ['response of bytes', () => new Response(new Uint8Array(0))],
];

test('an empty body that was transferred is no other empty body', async () => {
  for (let round = 0; round < 2; round++) {
    for (const [name, make] of EMPTY) {
      const buffer = await make().arrayBuffer();
      assert.is(buffer.byteLength, 0, name);
      transfer(buffer);
      transfer((await (make() as Reads).bytes()).buffer);
    }
  }
  for (const [name, make] of EMPTY) {
    assert.is(await make().text(), '', name);
    assert.equal(await (make() as Reads).bytes(), new Uint8Array(0), name);
    // Fails for a buffer that was transferred before.
    transfer(await make().arrayBuffer());
  }
});

test('a window of a larger buffer is copied out of it', async () => {
  const pool = new TextEncoder().encode('xxhelloxx');
  const buffer = await request(pool.subarray(2, 7)).arrayBuffer();
  new Uint8Array(buffer).fill(0);
  assert.is(new TextDecoder().decode(pool), 'xxhelloxx');
});

test('a clone and its original have bytes of their own', async () => {
  const make = (): Response => new Response(new Uint8Array([1, 2, 3]));
  for (const first of ['original', 'clone']) {
    const original = make();
    const clone = original.clone();
    const [changed, other] = first === 'original' ? [original, clone] : [clone, original];
    new Uint8Array(await changed.arrayBuffer()).fill(9);
    assert.equal(toOutgoing(other).body, new Uint8Array([1, 2, 3]), first);
  }
});

test('a response made of the body of another has used it', async () => {
  for (const body of ['text', new Uint8Array([1, 2, 3]), new Blob(['blob'])]) {
    const old = new Response(body);
    const copy = new Response(old.body, old);
    assert.is(old.bodyUsed, false);
    const buffer = await copy.arrayBuffer();
    new Uint8Array(buffer).fill(0);
    assert.is(old.bodyUsed, true);
    assert.throws(() => toOutgoing(old), /has been read/);

    const sent = new Response(body);
    const sentCopy = new Response(sent.body, sent);
    toOutgoing(sentCopy);
    assert.is(sent.bodyUsed, true);
    assert.throws(() => toOutgoing(sent), /has been read/);

    const kept = new Response(body);
    const unsent = new Response(kept.body, kept);
    toOutgoing(kept);
    assert.is(unsent.bodyUsed, true);
    assert.throws(() => toOutgoing(unsent), /has been read/);
  }
});

test('what is changed after it was given is sent as it was', () => {
  const given: [string, (bytes: Uint8Array<ArrayBuffer>) => unknown][] = [
    ['Response of a view', (bytes) => new Response(bytes)],
    ['Response of a buffer', (bytes) => new Response(bytes.buffer)],
    ['Response of a DataView', (bytes) => new Response(new DataView(bytes.buffer))],
    ['view', (bytes) => bytes],
    ['Buffer', (bytes) => Buffer.from(bytes.buffer)],
    ['buffer', (bytes) => bytes.buffer],
    ['DataView', (bytes) => new DataView(bytes.buffer)],
  ];
  for (const [name, make] of given) {
    const bytes = new Uint8Array([1, 2, 3]);
    const result = make(bytes);
    const made = result instanceof Response ? null : toOutgoing(result);
    bytes.fill(9);
    transfer(bytes.buffer);
    assert.equal((made ?? toOutgoing(result)).body, new Uint8Array([1, 2, 3]), name);
  }
});

test('bytes that other threads may change are copied', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(1);
  const { body } = toOutgoing(shared);
  shared.fill(9);
  assert.equal(body, new Uint8Array([1, 1, 1]));
});

test('chunks of a body and the bytes that are sent are not the same', async () => {
  const response = new Response(new Uint8Array([1, 2, 3]));
  const clone = response.clone();
  const { value } = await response.body!.getReader().read();
  value!.fill(9);
  assert.equal(toOutgoing(clone).body, new Uint8Array([1, 2, 3]));
});

test.run();
