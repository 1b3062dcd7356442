/** Disruptive clients: they set off faults, leave at any moment, or try to keep a thread to themselves. */
import { setTimeout as delay } from 'node:timers/promises';
import { oneOf, type Random } from '../../spec/support/random.js';
import type { Client } from '../../spec/support/server/http-client.js';
import { bounded, range } from '../../spec/support/server/wait.js';
import { ended, webClient } from './clients.js';
import { ANSWER_TIMEOUT_MS, type ChaosContext } from './context.js';
import { check, exchangeOf } from './exchanges.js';
import { FAULT_NAMES, FAULTS } from './faults.js';
import { HOWS, LETHAL, OPEN_FAULTS, WHERES } from './tcp-faults.js';

const LEAVES = ['FIN', 'RST', 'half-close'] as const;

/** Closes the connection in one of three ways; a half-closed one is read until the server closes it. */
async function leave(random: Random, client: Client): Promise<void> {
  switch (oneOf(random, LEAVES)) {
    case 'RST':
      client.socket.resetAndDestroy();
      return;
    case 'half-close':
      client.end();
      await bounded(ended(client), ANSWER_TIMEOUT_MS, 'a half-closed connection stays open');
      await client.close();
      return;
    default:
      await client.close();
  }
}

// ---- faults -------------------------------------------------------------------------------------------------------------

/** Triggers one fault of the web app, then sends an ordinary request on the same connection. */
export async function webFault(
  context: ChaosContext,
  name = oneOf(context.random, FAULT_NAMES),
): Promise<void> {
  const random = context.fork();
  const fault = FAULTS[name]!;
  if (fault.kills === 'always' || (fault.kills === 'unless handled' && !context.handled))
    context.tallies.web.lethal++;
  const client = await context.connect('web');
  await client.send(`GET /fault/${encodeURIComponent(name)} HTTP/1.1\r\nhost: test\r\n\r\n`);
  try {
    if (fault.onLeaving) {
      await delay(random(30));
      if (random(2) === 0) client.socket.resetAndDestroy();
      return;
    }
    const { status, text } = await bounded(
      client.answer(),
      ANSWER_TIMEOUT_MS,
      `no end of ${JSON.stringify(name)}`,
    );
    if (status !== 500 && (status !== 200 || text !== fault.answer))
      context.wrong.push(`${name}: ${status}, ${text.slice(0, 100)}`);
    const next = exchangeOf(random, new Set());
    await client.send(next.request);
    const wrong = check(next, await bounded(client.answer(), ANSWER_TIMEOUT_MS, `no answer after ${name}`));
    if (wrong !== undefined) context.wrong.push(`after ${name}: ${wrong}`);
  } catch (error) {
    // The fault of its own handler may end the connection at any point, but must not leave it open without an answer.
    if (!client.ended) throw error;
  } finally {
    await client.close();
  }
}

/** Triggers a fault in one of the TCP app's handlers. */
export async function tcpFault(context: ChaosContext): Promise<void> {
  const random = context.fork();
  const number = random(HOWS.length);
  const how = HOWS[number]!;
  if (how === 'exit' || (LETHAL.includes(how) && !context.handled)) context.tallies.tcp.lethal++;
  if (random(4) === 0) {
    const client = await context.connect('tcp', `${OPEN_FAULTS}${number + 1}`);
    await delay(random(30));
    return leave(random, client);
  }
  const client = await context.connect('tcp');
  await client.send(`!fault ${oneOf(random, WHERES)} ${how}\n`);
  await delay(random(30));
  await leave(random, client);
}

// ---- leaving ------------------------------------------------------------------------------------------------------------

/** Sends a part of a request, or nothing, and leaves after a random time. */
export async function leaver(context: ChaosContext): Promise<void> {
  const random = context.fork();
  if (random(4) === 0) {
    const client = await context.connect('tcp');
    void client.send(Buffer.alloc(random(oneOf(random, [1, 1000, 2_000_000])), 0x80));
    await delay(random(oneOf(random, [1, 30])));
    return leave(random, client);
  }
  const client = await context.connect('web');
  const bytes = Buffer.concat(range(1 + random(4)).map(() => exchangeOf(random, context.groups).request));
  const whole = random(2) === 0;
  void client.send(whole ? bytes : bytes.subarray(0, random(bytes.length)));
  await delay(random(oneOf(random, [1, 30, 200])));
  await leave(random, client);
}

/** Requests a handler or a stream that never answers, and leaves. */
export async function silentLeaver(context: ChaosContext): Promise<void> {
  const random = context.fork();
  const client = await context.connect('web');
  await client.send(`GET ${oneOf(random, ['/silent', '/silent-stream'])} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await delay(random(30));
  if (random(2) === 0) client.socket.resetAndDestroy();
  else await client.close();
}

// ---- hogging threads ----------------------------------------------------------------------------------------------------

/** One more `hog` than there are threads that run handlers, and beside them a client that sends one request after the other. */
async function beside(
  context: ChaosContext,
  hog: (client: Client, stop: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const hogs = await Promise.all(range(context.handlers + 1).map(() => context.connect('web')));
  const all = hogs.map((client) => hog(client, stop.signal));
  try {
    await webClient(context, 5);
  } finally {
    stop.abort();
    for (const { socket } of hogs) socket.resetAndDestroy();
  }
  await Promise.all(all);
}

/** Streams that compute each chunk, and never end by themselves. */
export const besideOwnWork = (context: ChaosContext): Promise<void> =>
  beside(context, async (client) => {
    client.socket.removeAllListeners('data').resume();
    await client.send('GET /own-work?ms=2 HTTP/1.1\r\nhost: test\r\n\r\n');
  });

const FLOOD = Buffer.from('GET /content?seed=1&bytes=10 HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(200));

/** Clients that pipeline without an end, and read as fast as they can. */
export const besideFloods = (context: ChaosContext): Promise<void> =>
  beside(context, async (client, stop) => {
    client.socket.removeAllListeners('data').resume();
    while (!stop.aborted && !client.ended) {
      if (client.socket.write(FLOOD)) await new Promise((resolve) => setImmediate(resolve));
      else await drained(client);
    }
  });

/** Resolves once the socket takes more, or is closed. */
const drained = ({ socket }: Client): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
