/** Server files: several listeners of one app, in all threads, and what becomes of them when threads die. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer, type Listening, type Server } from '../../../lib/server.js';
import { fixture } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

interface Scene {
  readonly server: Server;
  /** What the server has reported, in order. */
  readonly listening: Listening[];
  /** The URLs of the listeners. */
  readonly one: string;
  readonly two: string;
  readonly raw: string;
}

function serving(threads: number, use: (scene: Scene) => Promise<void>): () => Promise<void> {
  return async () => {
    const server = createServer({ app: fixture('listens'), threads, keepAliveTimeout: 60_000 });
    const listening: Listening[] = [];
    server.on('listening', (listener) => listening.push(listener));
    await server.listen({ port: 0 });
    try {
      await until('it listens at three addresses', () => listening.length === 3);
      const urls = listening.map(({ url }) => url);
      const texts = await Promise.all(urls.map(hear));
      const urlOf = (text: string) => urls[texts.indexOf(text)]!;
      await use({ server, listening, one: urlOf('one'), two: urlOf('two'), raw: urlOf('raw') });
    } finally {
      await server.close({ drainMs: 300 });
    }
  };
}

/** What is answered there. */
async function hear(url: string): Promise<string> {
  if (url.startsWith('http:')) return (await fetch(url, { headers: { connection: 'close' } })).text();
  const { hostname: host, port } = new URL(url);
  let heard = '';
  for await (const chunk of connect({ host, port: Number(port) }).setEncoding('utf8')) heard += chunk;
  return heard;
}

/** Ends a thread by a request, and waits for its replacement. */
async function killOne(server: Server, url: string): Promise<void> {
  const started = once(server, 'threadStart');
  await fetch(`${url}/exit`).catch(() => {});
  await started;
}

test(
  'each of several addresses has its server, whichever thread serves it',
  serving(3, async ({ server, listening, one, two, raw }) => {
    assert.is(new Set([one, two, raw]).size, 3);
    const { address, family } = server.address() as { address: string; family: string };
    assert.equal([address, family, server.protocol], ['127.0.0.1', 'IPv4', 'http']);
    assert.equal(listening[0]!.address, server.address());
    const texts = await Promise.all(range(30).map((round) => hear([one, two, raw][round % 3]!)));
    assert.equal(
      texts,
      range(30).map((round) => ['one', 'two', 'raw'][round % 3]),
    );
  }),
);

test(
  'a replacement serves every address as soon as it is in the set, and no port changes',
  serving(2, async ({ server, listening, one, two, raw }) => {
    for (const _ of range(3)) {
      await killOne(server, one);
      const texts = await Promise.all(range(30).map((round) => hear([one, two, raw][round % 3]!)));
      assert.equal(
        texts,
        range(30).map((round) => ['one', 'two', 'raw'][round % 3]),
      );
    }
    assert.is(listening.length, 3);
  }),
);

test(
  'a server that listens later is reached once every thread has one',
  serving(2, async ({ listening, one }) => {
    const seen = new Set<string>();
    while (seen.size < 2) {
      // Each request may be served by either thread.
      const answers = await Promise.all(range(8).map(() => fetch(`${one}/`)));
      for (const { headers } of answers) seen.add(headers.get('x-thread')!);
    }
    while (listening.length === 3) await Promise.all(range(8).map(() => hear(`${one}/later`)));
    assert.is(await hear(listening[3]!.url), 'later');
  }),
);

test(
  'an address that every thread has closed refuses connections, and the others are served',
  serving(1, async ({ one, two }) => {
    await hear(`${two}/close`);
    const { hostname: host, port } = new URL(two);
    const refused = () =>
      new Promise<boolean>((resolve) => {
        const client = connect({ host, port: Number(port) });
        client.on('connect', () => resolve(false)).on('error', () => resolve(true));
        client.on('connect', () => client.destroy());
      });
    while (!(await refused())) {}
    assert.is(await hear(one), 'one');
  }),
);

test('a server file that has closed leaves no address in use', async () => {
  let url = '';
  await serving(2, async ({ one }) => {
    url = one;
  })();
  await fetch(url).then(
    () => assert.unreachable('it is closed'),
    () => {},
  );
});

test.run();
