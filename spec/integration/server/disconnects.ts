/** Clients that disconnect in the middle: the handler is told, and nothing is left behind. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import type { Target } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const POLLS = 5000;

/** The notes of the (only) thread's handlers, once `wanted` is among them. */
async function eventsWith(running: Running, wanted: string): Promise<string[]> {
  const client = await running.connect();
  for (const _poll of range(POLLS)) {
    const events = JSON.parse((await client.get('/events')).text) as string[];
    if (events.includes(wanted)) {
      await client.close();
      return events;
    }
  }
  throw new Error(`"${wanted}" has not happened`);
}

const count = (events: string[], what: string): number => events.filter((event) => event === what).length;

for (const how of ['FIN', 'RST']) {
  const leave = async (client: Awaited<ReturnType<Running['connect']>>) => {
    if (how === 'FIN') await client.close();
    else client.socket.resetAndDestroy();
  };

  test(`a client that leaves with a ${how} at any point leaves no connection behind`, async () => {
    await using running = await Running.start('web', { threads: 3 });
    const beginnings = [
      '',
      'G',
      'GET /text HTTP/1.1\r\nhost: test',
      'GET /text HTTP/1.1\r\nhost: test\r\n\r\n',
    ];
    beginnings.push('POST /upload HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc');
    beginnings.push('POST /ignore HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc');
    beginnings.push(
      'POST /upload?by=stream HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc',
    );
    beginnings.push(
      'GET /endless HTTP/1.1\r\nhost: test\r\n\r\n',
      'GET /wait HTTP/1.1\r\nhost: test\r\n\r\n',
    );
    beginnings.push('GET /large-bytes?bytes=9000000 HTTP/1.1\r\nhost: test\r\n\r\nGET /');
    for (const _round of range(5)) {
      await Promise.all(
        beginnings.map(async (bytes) => {
          const client = await running.connect();
          if (bytes !== '') await client.send(bytes);
          await leave(client);
        }),
      );
    }
    await running.connections(0);
    assert.is(await running.get('/text'), 'hello');
    await running.connections(0);
    await running.idle();
  });

  test(`request.signal tells a waiting handler that its client left with a ${how}`, async () => {
    await using running = await Running.start('web', { threads: 1 });
    const client = await running.connect();
    await client.send('GET /wait HTTP/1.1\r\nhost: test\r\n\r\n');
    await eventsWith(running, 'wait begun');
    await leave(client);
    const events = await eventsWith(running, 'wait aborted: AbortError PACELINE_CLIENT_GONE');
    assert.is(events.length, 2);
    await running.connections(0);
  });

  for (const by of ['text', 'stream']) {
    test(`a handler that reads a body by ${by} gets an error when its client leaves with a ${how}`, async () => {
      await using running = await Running.start('web', { threads: 1 });
      const client = await running.connect();
      await client.send(`POST /upload?by=${by} HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc`);
      await eventsWith(running, 'upload begun');
      await leave(client);
      const events = await eventsWith(running, 'upload failed: AbortError PACELINE_CLIENT_GONE');
      assert.is(count(events, 'upload aborted'), 1);
      assert.is(count(events, 'upload failed: AbortError PACELINE_CLIENT_GONE'), 1);
      await running.connections(0);
    });
  }

  test(`the source of a stream is cancelled when its client leaves with a ${how}`, async () => {
    await using running = await Running.start('web', { threads: 1 });
    const client = await running.connect();
    client.socket.pause();
    await client.send('GET /endless HTTP/1.1\r\nhost: test\r\n\r\n');
    await eventsWith(running, 'endless begun');
    await leave(client);
    const events = await eventsWith(running, 'endless cancelled');
    assert.is(count(events, 'endless cancelled'), 1);
    assert.is(count(events, 'endless aborted'), 1);
    await running.connections(0);
  });

  test(`the source of a stream that is silent is cancelled when its client leaves with a ${how}`, async () => {
    await using running = await Running.start('web', { threads: 1 });
    const client = await running.connect();
    void client.send('GET /silent HTTP/1.1\r\nhost: test\r\n\r\n');
    assert.is((await client.bytes(15)).toString(), 'HTTP/1.1 200 OK');
    await leave(client);
    await eventsWith(running, 'silent aborted');
    if (how === 'RST') await eventsWith(running, 'silent cancelled');
  });
}

test('handlers whose clients left are not logged as failed', async () => {
  await using running = await Running.start('web', { threads: 1 });
  for (const by of ['text', 'stream']) {
    const client = await running.connect();
    await client.send(`POST /upload?by=${by} HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc`);
    await eventsWith(running, 'upload begun');
    await client.close();
  }
  await running.connections(0);
  const message = 'a client left before its response was complete';
  await until('it is logged', () => running.log.some((entry) => entry.message.startsWith(message)));
  assert.equal([...new Set(running.log.map(({ level }) => level))], ['debug']);
});

test('a context that outlives its request names no other client', async () => {
  await using running = await Running.start('web', { threads: 2 });
  using gate = new Gate();
  const first = await running.connect();
  assert.is((await first.get(`/keep-context?gate=${gate.path}`)).text, '127.0.0.1');
  // Its thread is blocked in a timer, so the other one closes the connection and accepts the next with the same descriptor.
  await gate.entered(1);
  await first.close();
  await running.connections(0);
  const second = await running.connect({ localAddress: '127.0.0.9' } as Partial<Target>);
  await running.connections(1);
  gate.release();
  await running.idle();
  await second.close();
  const events = (await running.everyThread('/events')).flatMap((text) => JSON.parse(text) as string[]);
  assert.equal(events, ['context of ""']);
});

test.run();
