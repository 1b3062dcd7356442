import { truncateSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { openFile } from '../../../lib/sys/file.js';
import { FileBody, OpenFile } from '../../../lib/web/file-body.js';
import { installResponse } from '../../../lib/web/light-response.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';
import { toOutgoing } from '../../../lib/web/to-outgoing.js';
import { RealResponse } from '../../../lib/web/web-globals.js';
import { openDescriptors } from '../../support/descriptors.js';
import { until } from '../../support/server/wait.js';
import { Site } from '../../support/static/site.js';

installResponse();

const TEXT = 'abcdefghijklmnopqrstuvwxyz';

/** A body of `letters.txt` that is its file's only owner. */
function bodyOf(path: string, start: number, end: number): FileBody {
  const file = new OpenFile(openFile(path, false));
  const body = new FileBody(file, start, end);
  file.release();
  return body;
}

const isUsed = (error: unknown): boolean =>
  error instanceof PacelineError && error.code === 'PACELINE_APP_SHAPE';

/** Runs `use` with a file and expects as many open descriptors after as before. */
async function withFile(content: string | Uint8Array, use: (path: string) => Promise<void>): Promise<void> {
  using site = new Site();
  const path = site.write('file', content);
  const before = openDescriptors();
  await use(path);
  // A pending read keeps its file open until it ends.
  await until('the descriptors are closed', () => openDescriptors() <= before);
  assert.is(openDescriptors(), before);
}

function sent(response: Response): FileBody {
  const { body, contentLength } = toOutgoing(response) as Outgoing;
  assert.instance(body, FileBody);
  const file = body as FileBody;
  assert.is(contentLength, file.end - file.start);
  return file;
}

test('a body gives its descriptor back once, however often it is closed', () =>
  withFile(TEXT, async (path) => {
    const first = bodyOf(path, 0, 26);
    const second = first.share();
    assert.is(first.fd, second.fd);
    first.close();
    first.close();
    assert.equal([first.fd, first.closed, second.closed], [-1, true, false]);
    assert.throws(() => first.share(), /closed/);
    assert.is(await new RealResponse(second.stream()).text(), TEXT);
    assert.is(second.closed, true);
  }));

test('a response carries it, and what middleware does with status and headers stays', () =>
  withFile(TEXT, async (path) => {
    const response = new Response(bodyOf(path, 1, 4) as never, { status: 206, headers: { 'x-a': '1' } });
    response.headers.set('x-b', '2');
    response.headers.set('content-length', '999');
    const { status, headers, contentLength, body } = toOutgoing(response) as Outgoing;
    assert.equal([status, headers, contentLength], [206, 'x-a: 1\r\nx-b: 2\r\n', 3]);
    (body as FileBody).close();
  }));

test('a response that is made anew of another one carries it on', () =>
  withFile(TEXT, async (path) => {
    const old = new Response(bodyOf(path, 0, 26) as never, { headers: { 'x-a': '1' } });
    const again = new Response(old.body, { ...old, status: 203, headers: old.headers });
    const body = sent(again);
    assert.is(again.headers.get('x-a'), '1');
    body.close();
    // The same body cannot be sent twice.
    assert.throws(() => toOutgoing(old), isUsed);
  }));

test('a response whose body was looked at is still sent as a file', () =>
  withFile(TEXT, async (path) => {
    const response = new Response(bodyOf(path, 0, 26) as never);
    assert.instance(response.body, ReadableStream);
    assert.is(response.bodyUsed, false);
    sent(response).close();
  }));

const READERS: [string, (response: Response) => Promise<string>][] = [
  ['text()', (response) => response.text()],
  ['arrayBuffer()', async (response) => Buffer.from(await response.arrayBuffer()).toString()],
  ['blob()', async (response) => (await response.blob()).text()],
  ['body', async (response) => (await Readable.fromWeb(response.body as never).toArray()).join('')],
  ['a clone', async (response) => [await response.clone().text(), await response.text()][0]!],
  [
    'a clone of a clone',
    async (response) => {
      const clone = response.clone();
      return (await Promise.all([clone.clone().text(), clone.text(), response.text()]))[0];
    },
  ],
  ['a pipe', (response) => new RealResponse(response.body!.pipeThrough(new TransformStream())).text()],
];

for (const [name, read] of READERS) {
  test(`reading it by ${name} gives its bytes`, async () => {
    await withFile(TEXT, async (path) => {
      const response = new Response(bodyOf(path, 2, 5) as never);
      assert.is(await read(response), 'cde');
      assert.is(response.bodyUsed, true);
      assert.throws(() => toOutgoing(response), isUsed);
    });
  });
}

test('a reader may bring its own buffer', () =>
  withFile(TEXT, async (path) => {
    const reader = bodyOf(path, 0, 26).stream().getReader({ mode: 'byob' });
    let text = '';
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(10));
      if (done) break;
      text += Buffer.from(value).toString();
    }
    assert.is(text, TEXT);
  }));

test('nothing at all can be read, too', () =>
  withFile('', async (path) => {
    assert.is(await new Response(bodyOf(path, 0, 0) as never).text(), '');
  }));

test('a large file comes in parts, each when it is wanted', () => {
  const bytes = new Uint8Array(1_000_003).map((_, index) => index * 7);
  return withFile(bytes, async (path) => {
    const response = new Response(bodyOf(path, 1, bytes.length) as never);
    assert.equal(Buffer.from(await response.arrayBuffer()).compare(bytes.subarray(1)), 0);
  });
});

test('a clone and its original are sent independently', () =>
  withFile(TEXT, async (path) => {
    const original = new Response(bodyOf(path, 0, 26) as never, { headers: { 'x-a': '1' } });
    void original.body;
    const clone = original.clone();
    original.headers.set('x-a', '2');
    sent(original).close();
    assert.is(clone.headers.get('x-a'), '1');
    assert.is(await clone.text(), TEXT);
    const locked = new Response(bodyOf(path, 0, 26) as never);
    const reader = locked.body!.getReader();
    assert.throws(() => locked.clone(), /consumed/);
    await reader.cancel();
  }));

test('cancelling closes the file, even while it is being read', () =>
  withFile(new Uint8Array(1_000_000), async (path) => {
    await new Response(bodyOf(path, 0, 10) as never).body!.cancel();
    const reader = bodyOf(path, 0, 1_000_000).stream().getReader();
    await reader.read();
    const next = reader.read();
    await reader.cancel();
    assert.is((await next).done, true);
  }));

test('a file that becomes shorter is an error, not a shorter body', () =>
  withFile(TEXT, async (path) => {
    const response = new Response(bodyOf(path, 0, 26) as never);
    truncateSync(path, 10);
    const error = await response.text().catch((reason: unknown) => reason);
    assert.instance(error, Error);
  }));

test('a stream of a body that was sent meanwhile is an error', () =>
  withFile(TEXT, async (path) => {
    const response = new Response(bodyOf(path, 0, 26) as never);
    const reader = response.body!.getReader();
    const body = bodyOf(path, 0, 26);
    const stream = body.stream();
    body.close();
    assert.instance(await new RealResponse(stream).text().catch((reason: unknown) => reason), Error);
    await reader.cancel();
  }));

test('where a body cannot be sent as a file it is sent as a stream', () =>
  withFile(TEXT, async (path) => {
    // An init that only the real class understands.
    const response = new Response(bodyOf(path, 0, 26) as never, { status: '201' as never });
    const { status, body } = toOutgoing(response) as Outgoing;
    assert.is(status, 201);
    assert.is(await new RealResponse(body as ReadableStream).text(), TEXT);
    const null204 = bodyOf(path, 0, 26);
    assert.throws(() => new Response(null204 as never, { status: 204 }), /204/);
    null204.close();
  }));

test('a response that is neither sent nor read is closed by the collector', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await withFile(TEXT, async (path) => {
    const before = openDescriptors();
    for (let count = 0; count < 50; count++) void new Response(bodyOf(path, 0, 26) as never).status;
    assert.is(openDescriptors(), before + 50);
    await until('the collector has closed them', () => {
      collect();
      return openDescriptors() === before;
    });
  });
});

test('owners that are none are refused', () =>
  withFile(TEXT, async (path) => {
    const file = new OpenFile(openFile(path, false));
    file.release();
    assert.throws(() => file.release(), /closed/);
    assert.throws(() => file.retain(), /closed/);
  }));

test.run();
