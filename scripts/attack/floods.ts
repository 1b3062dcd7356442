/** Attacks by quantity: many clients, many pieces, much time. Their answers do not matter; what they cost the server does. */
import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextPass } from 'node:timers/promises';
import { exchangeOf } from '../../spec/support/proxies/bystander.js';
import { answersIn } from '../../spec/support/proxies/transcript.js';
import { oneOf, type Random } from '../../spec/support/random.js';
import { range } from '../../spec/support/server/wait.js';
import { type AttackContext, closed } from './context.js';

const SLOW_MS = 20;
/** How many clients are active at once. */
const AT_ONCE = 200;

type Leave = (socket: Socket) => void;
const LEAVES: readonly Leave[] = [
  (socket) => void socket.end(),
  (socket) => void socket.destroy(),
  (socket) => void socket.resetAndDestroy(),
];
/** Closes in one of three ways; after a FIN the client reads on until the server closes as well. */
const leave = (random: Random, socket: Socket): void => oneOf(random, LEAVES)(socket.resume());

/** Writes, and waits until the socket takes more. @returns false once it is closed */
async function write(socket: Socket, bytes: string | Buffer): Promise<boolean> {
  if (!socket.writable) return false;
  if (socket.write(bytes)) await nextPass();
  else
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.once('drain', done).once('close', done);
    });
  return socket.writable;
}

/** Runs `one` for `count` clients, AT_ONCE of them at a time. */
async function many(count: number, one: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (; next < count; ) await one(next++);
  };
  await Promise.all(range(Math.min(count, AT_ONCE)).map(lane));
}

const ONE_BYTE_CHUNK = '1\r\nx\r\n';

/** Content in chunks of one byte, each of which could cost as much as a large one. */
export async function tinyChunks(context: AttackContext): Promise<void> {
  const random = context.fork();
  const clients = 1 + random(12);
  const chunks = Math.floor((20_000 + random(3_000_000)) / clients);
  await many(clients, async () => {
    const socket = await context.open(context.address(random, 4));
    if (socket === undefined) return;
    const route = oneOf(random, ['/echo', '/late', '/reflect', '/ignore']);
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    const head = `POST ${route}?t=${context.newToken()} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`;
    await write(socket, head);
    const some = ONE_BYTE_CHUNK.repeat(5000);
    let left = chunks;
    for (; left > 0 && socket.writable; left -= 5000)
      await write(socket, left >= 5000 ? some : ONE_BYTE_CHUNK.repeat(left));
    if (random(4) === 0) return leave(random, socket);
    await write(socket, '0\r\n\r\n');
    if (route === '/echo') {
      socket.end();
      await closed(socket);
      context.check(`${chunks} chunks of one byte`, () => {
        const [answer] = answersIn(Buffer.concat(parts));
        // On a busy machine it may take longer than the server allows.
        if (answer?.status === 408 || answer?.body === 'x'.repeat(chunks)) return undefined;
        return `another body: ${answer?.status}`;
      });
    } else leave(random, socket);
  });
}

/** Endless chunk extensions, in one chunk or in all of them. */
export async function extensions(context: AttackContext): Promise<void> {
  const random = context.fork();
  await many(1 + random(10), async () => {
    const socket = await context.open(context.address(random, 4));
    if (socket === undefined) return;
    const size = oneOf(random, [100, 3000, 16_000, 200_000]);
    const chunk = `1;${'e'.repeat(size)}\r\nx\r\n`;
    await write(
      socket,
      `POST /late?t=${context.newToken()} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    for (let left = 4_000_000; left > 0; left -= chunk.length) if (!(await write(socket, chunk))) break;
    leave(random, socket);
  });
}

/** How many heads, and of which sizes. The last row is more than the pool has room for (64 MiB). */
const HEADS = [
  [50, 0, 15_000],
  [600, 0, 3000],
  [600, 0, 15_000],
  [5000, 0, 10],
  [6000, 15_000, 16_000],
] as const;
/** How long heads are left unfinished: a random time below the first, or the second where there are many to read. */
const HELD_MS = 500;
const HELD_LONG_MS = 4000;

/** Heads that are never finished, or finished late; as many as there is memory for, and more. */
export async function unfinishedHeads(context: AttackContext): Promise<void> {
  const random = context.fork();
  const [count, minSize, maxSize] = oneOf(random, HEADS);
  const addresses = oneOf(random, [1, 5, 200]);
  const sockets: Socket[] = [];
  await many(count, async () => {
    const socket = await context.open(context.address(random, addresses));
    if (socket === undefined) return;
    sockets.push(socket);
    socket.resume();
    const head = `GET /say?t=${context.newToken()} HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(minSize + random(maxSize - minSize))}`;
    const cut = random(2) === 0 ? head.length : random(head.length);
    await write(socket, head.slice(0, cut));
    if (cut < head.length) await write(socket, head.slice(cut));
  });
  // All of them are saved now. Then some are finished, and the other clients leave.
  await delay(count < 5000 ? random(HELD_MS) : HELD_LONG_MS);
  for (const socket of sockets) {
    if (random(3) === 0 && socket.writable) socket.write('\r\n\r\n');
    leave(random, socket);
  }
}

/** Heads and content byte by byte, until the end of the round. */
export async function slowness(context: AttackContext): Promise<void> {
  const random = context.fork();
  await many(20 + random(100), async () => {
    const socket = await context.open(context.address(random, 4));
    if (socket === undefined) return;
    socket.resume();
    const post = `POST /late?t=${context.newToken()} HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n`;
    if (random(2) === 0) await write(socket, post);
    for (const byte of post.repeat(20)) {
      if (context.over.aborted || !(await write(socket, byte))) break;
      await delay(SLOW_MS);
    }
    leave(random, socket);
  });
}

/** Pipelined requests, some of whose answers are never read. */
export async function pipelines(context: AttackContext): Promise<void> {
  const random = context.fork();
  await many(1 + random(8), async () => {
    const socket = await context.open(context.address(random, 4));
    if (socket === undefined) return;
    if (random(2) === 0) socket.resume();
    else socket.pause();
    const request =
      `GET /say?t=${context.newToken()}&bytes=${random(3000)} HTTP/1.1\r\nhost: a\r\n\r\n`.repeat(200);
    for (let left = random(40); left > 0 && !context.over.aborted; left--) {
      const more = await Promise.race([write(socket, request), delay(200, true)]);
      if (!more) break;
    }
    leave(random, socket);
  });
}

/** Requests of all kinds from clients that leave at any moment; one that only half-closes gets its answer. */
export async function leavers(context: AttackContext): Promise<void> {
  const random = context.fork();
  await many(20 + random(200), async () => {
    const socket = await context.open(context.address(random, 4));
    if (socket === undefined) return;
    const token = context.newToken();
    const text = exchangeOf(random, token).pieces.join('');
    const how = random(4);
    if (how === 0) {
      const parts: Buffer[] = [];
      socket.on('data', (part: Buffer) => parts.push(part)).end(text);
      await closed(socket);
      context.check(`a half-closed ${text.split('\r\n')[0]}`, () =>
        answersIn(Buffer.concat(parts))[0]?.token === token ? undefined : 'no answer',
      );
      return;
    }
    await write(socket, text.slice(0, random(2) === 0 ? text.length : random(text.length)));
    if (how > 1) await delay(random(30));
    leave(random, socket);
  });
}

/** The dashboard's port: half a request, none, many, and answers that are never read. */
export async function dashboardCrowd(context: AttackContext): Promise<void> {
  const random = context.fork();
  const { dashboard } = context.ports;
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${dashboard}\r\n\r\n`;
  await many(100 + random(300), async () => {
    const socket = await context.open(context.address(random, 2), dashboard);
    if (socket === undefined) return;
    const bytes = oneOf(random, [
      ...['', ask('/healthz').slice(0, 30), ask('/metrics'), ask('/metrics').repeat(100), ask('/')],
      ...[
        ask('/ws'),
        `${ask('/healthz').slice(0, -2)}content-length: 9999\r\n\r\n`,
        '\x16\x03\x01\x02\x00\x01',
      ],
    ]);
    if (random(3) === 0) socket.pause();
    else socket.resume();
    await write(socket, bytes);
    if (random(2) === 0) leave(random, socket);
  });
  await delay(200, undefined, { signal: context.over }).catch(() => {});
}
