/** I9: a handler's result that calls back into the app, and throws there, costs at most its request. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const APP = 'strange-results';

/** A server of one thread, which must survive. */
async function oneThread(use: (running: Running) => Promise<void>, options = {}): Promise<void> {
  await using running = await Running.start(APP, { threads: 1, ...options });
  const deaths: unknown[] = [];
  running.server.on('threadExit', ({ error }) => deaths.push(error));
  await use(running);
  await running.connections(0);
  assert.is(await running.get('/well'), 'well');
  assert.equal(deaths, []);
}

const ANSWERED: Readonly<Record<string, string>> = {
  'thenable-of-a-promise': 'ok',
  'thenable-of-a-thenable': 'ok',
  'settles-twice': 'ok',
  'settles-twice-later': 'ok',
  'settles-and-throws': 'ok',
  'promise-with-own-then': 'ok',
  'function-with-then': 'ok',
  'then-is-data': '{"then":"ok"}',
  'promise-of-bytes': 'ok',
  'blob-size-is-none': 'blob',
  'blob-size-is-right': 'blob',
  'chunk-of-a-subclass': 'own',
  'proxy-of-a-blob': 'blob',
  'proxy-of-a-stream': 'blob',
};

for (const [name, text] of Object.entries(ANSWERED)) {
  test(`${name}: is answered, and so are the requests behind it`, () =>
    oneThread(async (running) => {
      const client = await running.connect();
      // A result that settles twice would put a second response here.
      for (const _round of range(3)) {
        const answer = await client.get(`/${name}`);
        assert.equal([answer.status, answer.text], [200, text]);
        assert.is((await client.get('/well')).text, 'well');
      }
      assert.is(client.waiting, 0);
      await client.close();
    }));
}

const FAILED = [
  'thenable-rejects',
  'then-throws',
  'then-getter-throws',
  'constructor-getter-throws',
  'then-trap-throws',
  'to-json-throws',
  'getter-throws',
  'proxy-of-a-response',
  'trap-throws',
  'blob-stream-throws',
  'blob-stream-is-none',
  'blob-stream-is-locked',
  'blob-size-throws',
  'get-reader-throws',
  'locked-later',
  'stream-in-a-stream',
  'own-url-and-method',
];

for (const name of FAILED) {
  test(`${name}: is answered with 500, and the connection goes on`, () =>
    oneThread(async (running) => {
      const client = await running.connect();
      assert.is((await client.get(`/${name}`)).status, 500);
      assert.is((await client.get('/well')).text, 'well');
      await client.close();
      await until('it is logged', () => running.log.some(({ message }) => message === 'a handler failed'));
    }));
}

const CUT = [
  'get-reader-gives-nothing',
  'read-throws',
  'read-gives-nothing',
  'read-gives-a-number',
  'read-settles-strangely',
  'value-getter-throws',
  'chunk-is-a-proxy',
  'pull-throws',
  'own-url-in-a-stream',
];

for (const name of CUT) {
  test(`${name}: the response is cut off`, () =>
    oneThread(async (running) => {
      const client = await running.connect();
      await client.send(`GET /${name} HTTP/1.1\r\nhost: test\r\n\r\n`);
      assert.not.match((await client.rest()).toString(), /0\r\n\r\n$/);
      await until('it is logged', () =>
        running.log.some(({ message }) => message === 'a response body failed'),
      );
    }));
}

for (const name of [
  'cancel-throws',
  'cancel-gives-nothing',
  'dispatch-throws',
  'returns-late',
  'returns-strangely-late',
]) {
  test(`${name}: costs nothing but the connection whose client leaves`, () =>
    oneThread(async (running) => {
      for (const round of range(3)) {
        const client = await running.connect();
        await client.send(`GET /${name} HTTP/1.1\r\nhost: test\r\n\r\n`);
        let passed = '';
        while (passed !== `${round + 1}`) passed = await running.get('/passed');
        client.socket.resetAndDestroy();
        await running.connections(0);
      }
      if (name === 'returns-late') {
        await until('all are cancelled', () => running.server.connections === 0);
        let events = '';
        while (events.split(',').length < 3) events = await running.get('/events');
        assert.is(events, 'late cancelled,late cancelled,late cancelled');
      }
    }));
}

test.run();
