/** What an app writes reaches its own client, and whatever its callbacks throw, the response goes on. */
import type { ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Serving } from '../../support/node/serving.js';
import { until } from '../../support/server/wait.js';

const SECRET = 'of the first client only';
/** More than the kernel takes while the client does not read. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 'x');

/** What nobody has caught, by its code or its message. */
const uncaught: string[] = [];
process.on('uncaughtException', (error: NodeJS.ErrnoException) => uncaught.push(error.code ?? error.message));

test.before.each(() => {
  uncaught.length = 0;
});

test('a write with an unknown encoding throws, and nothing of it reaches another client', async () => {
  let first!: ServerResponse;
  const thrown: unknown[] = [];
  await using serving = await Serving.start((server) =>
    server.on('request', (request, response) => {
      if (request.url === '/other') return void response.end('of the other client');
      first = response;
      response.setHeader('content-length', SECRET.length);
      response.write(SECRET);
      try {
        response.write('more', 'bogus' as BufferEncoding);
      } catch (error) {
        thrown.push((error as NodeJS.ErrnoException).code);
      }
    }),
  );
  const client = await serving.connect();
  void client.send('GET /first HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('the first listener was called', () => first !== undefined);
  const other = await serving.connect();
  assert.is((await other.get('/other')).text, 'of the other client');
  first.end();
  assert.is((await client.answer()).text, SECRET);
  assert.equal({ thrown, uncaught }, { thrown: ['ERR_UNKNOWN_ENCODING'], uncaught: [] });
});

test('bytes gathered with a chunk that cannot be sent reach no other client', async () => {
  await using serving = await Serving.start((server) =>
    server.on('request', (request, response) => {
      if (request.url === '/other') return void response.end('of the other client');
      response.write(SECRET);
      const bytes = new Uint8Array(16);
      response.write(bytes);
      // The response sends both in the next tick, and the bytes are gone by then.
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    }),
  );
  const client = await serving.connect();
  void client.send('GET /first HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('the bytes could not be sent', () => uncaught.length > 0);
  const other = await serving.connect();
  const { head, text } = await other.get('/other');
  assert.not.match(head, SECRET);
  assert.is(text, 'of the other client');
  assert.is(other.waiting, 0);
});

/** Writes with callbacks that throw, until the response ends with `tail`. */
const WAYS: Readonly<Record<string, (response: ServerResponse, fail: () => void) => void>> = {
  'one large write, ended at drain'(response, fail) {
    response.on('drain', () => response.end('tail'));
    response.write(LARGE, fail);
  },
  'two writes, ended at drain'(response, fail) {
    response.on('drain', () => response.end('tail'));
    response.write(LARGE, fail);
    response.write('more', fail);
  },
  'one large write, ended at once'(response, fail) {
    response.write(LARGE, fail);
    response.end('tail');
  },
  'a small write, ended at once'(response, fail) {
    response.write('small', fail);
    response.end('tail');
  },
};

for (const [name, answer] of Object.entries(WAYS)) {
  test(`a write callback that throws keeps back neither drain nor the end: ${name}`, async () => {
    const events: string[] = [];
    let called = 0;
    await using serving = await Serving.start((server) =>
      server.on('request', (_request, response) => {
        for (const event of ['finish', 'close']) response.on(event, () => events.push(event));
        answer(response, () => {
          called++;
          throw new Error(`callback ${called}`);
        });
      }),
    );
    const client = await serving.connect();
    const { text } = await client.get('/');
    assert.ok(text.endsWith('tail'));
    await until('the response is closed', () => events.includes('close'));
    assert.equal(events, ['finish', 'close']);
    assert.ok(called > 0);
    assert.equal(
      uncaught,
      Array.from({ length: called }, (_, index) => `callback ${index + 1}`),
    );
  });
}

test.run();
