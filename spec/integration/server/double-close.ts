/**
 * An app closes a descriptor that is no longer its own. In a process of its own, because it relies on the numbers that the kernel
 * assigns.
 */
import { closeSync, readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { localAddress, remoteAddress } from '../../../lib/sys/socket.js';
import { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

test('closing a descriptor of the server ends its connection and the one that got its number', async () => {
  await using running = await Running.start('web', { threads: 2, maxConnections: 2 });
  const { server, target } = running;
  const before = ofServer();
  // One after the other, so that the first one has the lowest descriptor of those opened here.
  // The client's own socket, whose descriptor is lower still, stays open when the server's side ends.
  const bad = await running.connect({ allowHalfOpen: true });
  assert.is((await bad.get('/text')).text, 'hello');
  const [low] = ofServer().filter((fd) => !before.includes(fd)) as [number];
  const good = await running.connect();
  assert.is((await good.get('/text')).text, 'hello');
  // This connection waits to be accepted; the client's socket has its descriptor already.
  const next = await Client.connect(target);
  closeSync(low);
  await good.close();
  assert.is((await next.rest()).length, 0, 'the new one is ended');
  assert.is((await bad.rest()).length, 0, 'the old one was');
  await running.connections(0);
  await until('it is logged', () =>
    running.log.some(({ level, message }) => level === 'error' && /closed by something else/.test(message)),
  );
  assert.is(await running.get('/text'), 'hello');
  await running.connections(0);
  const sum = (name: 'accepted' | 'closed') =>
    server.threads().reduce((total, thread) => total + thread[name], 0);
  assert.equal([sum('accepted'), sum('closed')], [4, 4]);

  function ofServer(): number[] {
    const { port } = target as { port: number };
    return readdirSync('/proc/self/fd')
      .map(Number)
      .filter((fd) => localAddress(fd)?.port === port && remoteAddress(fd) !== undefined)
      .sort((one, other) => one - other);
  }
});

test.run();
