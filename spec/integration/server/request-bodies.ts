/** A body that arrived whole is lent to the handler in the thread's input buffer: whenever it is read, it is its own. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';

const READERS = ['text', 'json', 'arrayBuffer', 'blob', 'stream', 'clone'];

/** JSON texts of the same length, so that one would be taken for the other. */
const OURS = JSON.stringify({ of: 'ours', text: 'grüezi' });
const OTHERS = JSON.stringify({ of: 'them', text: 'xxxxäx' });

const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

for (const how of READERS) {
  test(`${how} of a body, at once, after a tick, and behind one another`, async () => {
    await using running = await Running.start('bodies', { threads: 1 });
    const client = await running.connect();
    for (const when of ['now', 'tick']) {
      void client.send(
        post(`/${when}/${how}`, OURS) + post(`/${when}/${how}`, OTHERS) + post(`/${when}/${how}`, OURS),
      );
      for (const body of [OURS, OTHERS, OURS]) assert.is((await client.answer()).text, body, when);
    }
  });

  test(`${how} of a body after others have arrived in the same thread`, async () => {
    await using running = await Running.start('bodies', { threads: 1 });
    const [first, second] = await running.connectMany(2);
    void first!.send(post(`/next/${how}`, OURS));
    // Its own answer says that the first request is being handled: there is one thread.
    void second!.send(post(`/now/text`, OTHERS));
    assert.is((await second!.answer()).text, OTHERS);
    void second!.send(post('/release', OTHERS));
    assert.is((await second!.answer()).text, 'released');
    assert.is((await first!.answer()).text, OURS);
  });

  test(`${how} of a body after its request was answered`, async () => {
    await using running = await Running.start('bodies', { threads: 1 });
    const client = await running.connect();
    void client.send(post('/keep', OURS) + post('/now/text', OTHERS) + post(`/kept/${how}`, OTHERS));
    assert.is((await client.answer()).text, 'kept');
    assert.is((await client.answer()).text, OTHERS);
    assert.is((await client.answer()).text, OURS);
  });
}

test('a body is its own after an error was thrown in a tick of its handler', async () => {
  await using running = await Running.start('bodies', { threads: 1 });
  const [first, second] = await running.connectMany(2);
  void first!.send(post('/thrown/text', OURS));
  await first!.rest().catch(() => {});
  void second!.send(post('/now/text', OTHERS) + post('/kept/text', OTHERS));
  assert.is((await second!.answer()).text, OTHERS);
  assert.is((await second!.answer()).text, OURS);
});

test('a body is read once, and one that is no JSON rejects', async () => {
  await using running = await Running.start('bodies', { threads: 1 });
  const client = await running.connect();
  void client.send(post('/now/json', '{"a":'));
  assert.is((await client.answer()).status, 500);
  void client.send(post('/now/text', '\ufeffa mark'));
  assert.is((await client.answer()).text, 'a mark');
});

test.run();
