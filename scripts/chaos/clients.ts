/** Well-behaved clients, which check every byte that they get. */
import { setTimeout as delay, setImmediate as nextPass } from 'node:timers/promises';
import { pieces } from '../../spec/support/http/requests.js';
import { oneOf, type Random } from '../../spec/support/random.js';
import type { Client } from '../../spec/support/server/http-client.js';
import { bounded, range } from '../../spec/support/server/wait.js';
import { askEveryThread, askThreadsInTurn } from '../campaign/invariants.js';
import { content, difference } from './content.js';
import { ANSWER_TIMEOUT_MS, type ChaosContext } from './context.js';
import { check, type Exchange, exchangeOf, LARGE_BYTES, largeExchange, withClose } from './exchanges.js';
import { SERVER_NAMES, type ServerName } from './messages.js';
import { FAREWELL } from './tcp-faults.js';

const PACES = ['whole', 'whole', 'whole', 'in pieces', 'byte by byte'] as const;
/** How many bytes are sent one by one; the rest follows in one piece. */
const DRIBBLED_BYTES = 60;
const MAX_PIPELINED = 12;
/** How long a slow reader does not read: long enough for the kernel's buffers to fill up. */
const STANDSTILL_MS = 60;

/** Sends bytes at a random pace: whole, in pieces, or byte by byte. */
async function sendAt(random: Random, client: Client, bytes: Buffer): Promise<void> {
  switch (oneOf(random, PACES)) {
    case 'whole':
      void client.send(bytes);
      return;
    case 'in pieces':
      for (const piece of pieces(random, bytes, 6)) {
        void client.send(piece);
        await nextPass();
      }
      return;
    case 'byte by byte':
      for (let at = 0; at < DRIBBLED_BYTES && at < bytes.length; at++) {
        void client.send(bytes.subarray(at, at + 1));
        await nextPass();
      }
      void client.send(bytes.subarray(DRIBBLED_BYTES));
  }
}

/** What a client does next: go on, go on with a new connection, or stop. */
type Next = 'on' | 'anew' | 'done';

/**
 * Does `work` on a connection, and starts over with a new one where the server has cut it. Cuts are counted; whether they
 * were justified is checked when the round is over.
 */
async function throughCuts(
  context: ChaosContext,
  server: ServerName,
  work: (client: Client) => Promise<Next>,
): Promise<void> {
  for (let next: Next = 'anew'; next !== 'done'; ) {
    const client = await context.connect(server);
    try {
      do next = await work(client);
      while (next === 'on');
    } catch (error) {
      if (!client.ended) throw error;
      context.tallies[server].cuts++;
    } finally {
      await client.close();
    }
  }
}

export const ended = (client: Client): Promise<void> =>
  new Promise((resolve) => {
    if (client.ended) resolve();
    client.socket.once('close', () => resolve()).once('end', () => resolve());
  });

const inTime = <T>(what: string, promise: Promise<T>): Promise<T> =>
  bounded(promise, ANSWER_TIMEOUT_MS, `no answer in ${ANSWER_TIMEOUT_MS / 1000} s to ${what}`);

/** Asks in batches: one request after the other, or several at once. */
export async function webClient(context: ChaosContext, count = 25): Promise<void> {
  const random = context.fork();
  const { groups, tallies } = context;
  const pipelines = random(3) === 0;
  const closes = random(3) === 0;
  let left = count;
  await throughCuts(context, 'web', async (client) => {
    const batch = range(pipelines ? 1 + random(MAX_PIPELINED) : 1).map(() => exchangeOf(random, groups));
    left -= batch.length;
    const last = closes && random(4) === 0;
    if (last) batch.push(withClose(batch.pop()!));
    // Starts to read before it sends: a client that sends a lot has to read meanwhile.
    const answers = readAll(context, client, batch, tallies.web);
    const sent = sendAt(random, client, Buffer.concat(batch.map(({ request }) => request)));
    await Promise.all([answers, sent]);
    if (last) await inTime('the end of a connection', ended(client));
    if (left <= 0) return 'done';
    return last ? 'anew' : 'on';
  });
}

async function readAll(
  context: ChaosContext,
  client: Client,
  batch: readonly Exchange[],
  tally: { verified: number },
): Promise<void> {
  for (const exchange of batch) {
    const answer = await inTime(exchange.what, client.answer());
    const wrong = check(exchange, answer);
    if (wrong === undefined) tally.verified++;
    else context.wrong.push(wrong);
  }
}

/** Sends blocks to the echo app and reads them back, on some connections bound to their thread. */
export async function tcpClient(context: ChaosContext, count = 20): Promise<void> {
  const random = context.fork();
  const command = oneOf(random, ['', '', '!bind\n', '!async\n']);
  let left = count;
  let greeted: Client | null = null;
  await throughCuts(context, 'tcp', async (client) => {
    if (greeted !== client) void client.send(command);
    greeted = client;
    const block = content(random(2 ** 30), 1 + random(oneOf(random, [10, 3000, 300_000])));
    const echo = inTime(`an echo of ${block.length} bytes`, client.bytes(block.length));
    await Promise.all([echo, sendAt(random, client, block)]);
    const wrong = difference(block, await echo);
    if (wrong === undefined) context.tallies.tcp.verified++;
    else context.wrong.push(`an echo: ${wrong}`);
    if (--left > 0) return 'on';
    await client.send('!end\n');
    const farewell = (await inTime('a farewell', client.bytes(FAREWELL.length))).toString();
    if (farewell !== FAREWELL) context.wrong.push(`a farewell: ${farewell}`);
    await inTime('the end of a connection', ended(client));
    return 'done';
  });
}

/** Requests more than the kernel buffers, over HTTP or as an echo, and does not read for a while. */
export async function slowReader(context: ChaosContext): Promise<void> {
  const random = context.fork();
  const server = oneOf(random, ['web', 'tcp'] as const);
  const exchange = largeExchange(random);
  await throughCuts(context, server, async (client) => {
    client.socket.pause();
    void client.send(server === 'web' ? exchange.request : exchange.body);
    await delay(STANDSTILL_MS);
    client.socket.resume();
    if (server === 'web') await readAll(context, client, [exchange], context.tallies.web);
    else {
      const echo = await inTime('a large echo', client.bytes(LARGE_BYTES));
      const wrong = difference(exchange.body, echo);
      if (wrong === undefined) context.tallies.tcp.verified++;
      else context.wrong.push(`a large echo: ${wrong}`);
    }
    return 'done';
  });
}

/** Proves that every thread of both servers that runs handlers serves. */
export async function meetEveryThread(context: ChaosContext): Promise<void> {
  const ask: Readonly<Record<ServerName, Ask>> = {
    web: async (client, barrier, count) => (await client.get(`/meet?barrier=${barrier}&count=${count}`)).text,
    tcp: async (client, barrier, count) => {
      await client.send(`!meet ${barrier} ${count}\n`);
      return (await client.bytes(2)).toString().trim();
    },
  };
  for (const server of SERVER_NAMES)
    await (context.sharesRequests ? askAtOnce : askInTurn)(context, server, ask[server]);
  context.tallies.web.verified += context.handlers;
}

/** Meets `count` handlers at a barrier. @returns the number of the thread, or that nobody came */
type Ask = (client: Client, barrier: number, count: number) => Promise<string>;

/** Any thread takes the next request, so as many as there are threads are inside handlers at once. */
function askAtOnce(context: ChaosContext, server: ServerName, ask: Ask): Promise<void> {
  const { handlers } = context;
  const barrier = context.newBarrier();
  const connect = () => context.connect(server);
  return askEveryThread(server, handlers, connect, (client) => ask(client, barrier, handlers));
}

function askInTurn(context: ChaosContext, server: ServerName, ask: Ask): Promise<void> {
  const connect = () => context.connect(server);
  const askOne = (client: Client) => inTime('a meeting of one', ask(client, context.newBarrier(), 1));
  return askThreadsInTurn(server, context.handlers, connect, askOne);
}
