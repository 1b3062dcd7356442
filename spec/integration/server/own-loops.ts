/** I8: the timers, promises and I/O of each thread's own event loop are served while it leads, follows and works. */

import { statSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { ThreadLines } from '../../support/server/thread-lines.js';
import { range, until } from '../../support/server/wait.js';

const THREADS = 4;
/** Far more than the events explain: only a thread that wakes and parks again without serving its loop exceeds it. */
const MANY_PARKS = 10_000;
const THIS_FILE = fileURLToPath(import.meta.url);

async function living(query = '') {
  const lines = await ThreadLines.open();
  const running = await Running.start(`event-loop?port=${lines.port}${query}`, { threads: THREADS });
  await lines.connected(THREADS);
  return { lines, running };
}

/** Keeps the server busy on eight connections while `use` runs. */
async function underLoad(running: Running, use: () => Promise<void>): Promise<void> {
  let over = false;
  const clients = await running.connectMany(8);
  const load = clients.map(async (client) => {
    while (!over) await client.get('/');
  });
  try {
    await use();
  } finally {
    over = true;
    await Promise.all(load);
  }
}

const SITUATIONS: [what: string, run: (running: Running, use: () => Promise<void>) => Promise<void>][] = [
  ['while nobody asks for anything', (_running, use) => use()],
  ['under load', underLoad],
];

for (const [situation, run] of SITUATIONS) {
  test(`bytes for a thread's own sockets are served ${situation}, by every thread`, async () => {
    const { lines, running } = await living();
    await using _lines = lines;
    await using server = running;
    await run(server, async () => {
      for (const round of range(20)) {
        if (situation !== 'under load') await server.idle();
        lines.tellAll(`echo ${round}`);
        await lines.said(`echo ${round}`);
      }
    });
    if (situation === 'under load') return;
    for (const { parks } of server.server.threads()) {
      assert.ok(parks < MANY_PARKS, `a thread parked ${parks} times`);
    }
  });

  test(`bytes for one thread's own socket are served ${situation}, one thread after the other`, async () => {
    const { lines, running } = await living();
    await using _lines = lines;
    await using server = running;
    await run(server, async () => {
      for (const round of range(5)) {
        for (const thread of lines.threads) {
          thread.tell(`echo ${round}`);
          await until('it answers', () => thread.count(`echo ${round}`) === 1);
        }
      }
    });
  });

  test(`timers tick ${situation}, in every thread`, async () => {
    const { lines, running } = await living('&ticks');
    await using _lines = lines;
    await using server = running;
    await run(server, () => lines.said('tick', 50));
  });

  test(`single timers, with and without a reference, and immediates fire ${situation}`, async () => {
    const { lines, running } = await living();
    await using _lines = lines;
    await using server = running;
    await run(server, async () => {
      lines.tellAll('timer 20');
      lines.tellAll('unreferenced-timer 30');
      lines.tellAll('promise 200');
      await lines.said('promised');
      await lines.said('timer', 2);
    });
  });

  test(`files are read and fetches answered ${situation}, in every thread`, async () => {
    const origin = createServer(
      (_request, response) => void setTimeout(() => response.end('fetched text'), 5),
    );
    await new Promise<void>((resolve) => {
      origin.listen(0, '127.0.0.1', resolve);
    });
    const { port } = origin.address() as { port: number };
    {
      const { lines, running } = await living();
      await using _lines = lines;
      await using server = running;
      await run(server, async () => {
        for (const round of range(3)) {
          if (situation !== 'under load') await server.idle();
          lines.tellAll(`fetch http://127.0.0.1:${port}/`);
          lines.tellAll(`file ${THIS_FILE}`);
          await lines.said('fetched fetched text', round + 1);
          await lines.said(`read ${statSync(THIS_FILE).size}`, round + 1);
        }
      });
    }
    origin.closeAllConnections();
    await new Promise((resolve) => origin.close(resolve));
  });
}

test('the server closes although its threads have timers and sockets of their own', async () => {
  const { lines, running } = await living('&ticks');
  await using _lines = lines;
  await running.server.close();
  await until('their sockets are closed', () =>
    lines.threads.every(({ socket }) => socket.closed || socket.readableEnded),
  );
});

test.run();
