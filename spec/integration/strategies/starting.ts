/** The contract of the strategies with an I/O thread: a server is not ready before there is a thread of each role. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer } from '../../../lib/server.js';
import { DESCRIPTIONS } from '../../../lib/strategies/descriptions.js';
import { fixture } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';
import { contract } from '../../support/strategies/contract.js';

contract(
  'a server serves, and is ready, once a worker has loaded the app',
  async ({ name, threads }) => {
    const folder = mkdtempSync(join(tmpdir(), 'paceline-start-'));
    const gate = join(folder, 'gate');
    const server = createServer({
      app: fixture(`one-first?until=${gate}`),
      strategy: name,
      threads,
      dashboard: { port: 0 },
      logger: { error() {}, warn() {}, info() {}, debug() {} },
    });
    let listens = false;
    server.on('listening', () => {
      listens = true;
    });
    const listened = server.listen({ port: 0 });
    try {
      await until('the I/O thread has joined', () => server.threads()[0]?.state === 'leader');
      const { origin } = new URL(server.dashboard!.url);
      const readiness = async () => (await fetch(`${origin}/readyz`)).status;
      assert.is(await readiness(), 503);
      assert.not.ok(listens);
      writeFileSync(gate, 'load');
      await listened;
      assert.ok(listens);
      assert.is(await readiness(), 200);
    } finally {
      writeFileSync(gate, 'load');
      await listened;
      await server.close({ drainMs: 0 });
      rmSync(folder, { recursive: true });
    }
  },
  ({ name }) => DESCRIPTIONS[name].ioThreads > 0,
);

test.run();
