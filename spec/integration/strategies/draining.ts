/** The contract of the strategies with an I/O thread: a thread that dies while the server closes leaves nobody waiting for the end of the drain time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESCRIPTIONS } from '../../../lib/strategies/descriptions.js';
import { Gate } from '../../support/server/gate.js';
import { within } from '../../support/server/wait.js';
import { contract, type Model } from '../../support/strategies/contract.js';

const HOUR_MS = 3_600_000;

const hasIoThread = ({ name }: Model): boolean => DESCRIPTIONS[name].ioThreads > 0;

contract(
  'the I/O thread is replaced while the server closes',
  async (model) => {
    const folder = mkdtempSync(join(tmpdir(), 'paceline-drain-'));
    const path = join(folder, 'end');
    try {
      const running = await model.start(`io-thread-ends?when=${path}`);
      const exited = new Promise((resolve) => running.server.once('threadExit', resolve));
      const idle = await running.connectMany(8);
      for (const client of idle) assert.ok((await client.get('/')).text);
      const begun = await running.connect();
      await begun.send('GET / HTTP/1.1\r\nho');
      // Some round trips are granted to their first requests.
      const silent = await running.connectMany(8);
      await running.connections(17);
      const closed = running.server.close({ drainMs: HOUR_MS });
      for (const client of idle) await within('the end of an idle connection', client.rest());
      writeFileSync(path, '');
      await exited;
      await begun.send('st: test\r\n\r\n');
      assert.is((await begun.answer()).status, 200);
      for (const client of silent) await within('the end of a connection without a request', client.rest());
      await within('the end of the drain', closed);
      assert.is(running.server.connections, 0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  hasIoThread,
);

contract(
  'the only worker is replaced while the server closes',
  async (model) => {
    const running = await model.start('web', { threads: 2 });
    const exited = new Promise((resolve) => running.server.once('threadExit', resolve));
    using gate = new Gate();
    const victim = await running.connect();
    await victim.send(`GET /exit HTTP/1.1\r\nhost: test\r\nx-gate: ${gate.path}\r\n\r\n`);
    await gate.entered(1);
    const waiting = await running.connectMany(4);
    const answers = waiting.map((client) => client.get('/text'));
    await running.connections(5);
    const closed = running.server.close({ drainMs: HOUR_MS });
    gate.release();
    await exited;
    assert.is((await victim.rest()).length, 0);
    for (const answer of answers) assert.is((await within('an answer', answer)).text, 'hello');
    await within('the end of the drain', closed);
  },
  hasIoThread,
);

test.run();
