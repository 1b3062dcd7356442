/** Descriptors that no record names, where several sets accept at the same address; those of one set are in connection/acceptor.ts. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PLACE_TAKEN } from '../../../lib/connection/acceptor.js';
import { TCP_CONNECTION } from '../../../lib/connection/event-handler.js';
import { Strays } from '../../../lib/control/strays.js';
import { ACCEPTING, threadArea } from '../../../lib/memory/layout.js';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { acceptConnection, bindListener, localAddress, startListening } from '../../../lib/sys/socket.js';
import { until } from '../../support/server/wait.js';
import { isOpen } from '../../support/set/native.js';
import { TestSet } from '../../support/set/test-set.js';

const ANYWHERE = { address: '127.0.0.1', family: 'IPv4', port: 0 } as const;

test('a connection of another set is none, nor one that it is just accepting', async () => {
  const sets = [new TestSet(1), new TestSet(1)] as const;
  const [, other] = sets;
  const listener = bindListener(ANYWHERE);
  startListening(listener, 8);
  const address = localAddress(listener)!;
  const strays = new Strays(sets.map(({ memory: { control }, table }) => ({ control, table, threads: 1 })));
  strays.addOrigin(address);
  const client = connect(address.port, address.address);
  await once(client, 'connect');
  let fd = -1;
  await until('it is accepted', () => {
    fd = acceptConnection(listener);
    return fd >= 0;
  });
  try {
    const look = (): boolean => {
      strays.lookAt(fd);
      strays.close();
      return isOpen(fd);
    };
    other.words[threadArea(0) + ACCEPTING] = PLACE_TAKEN;
    assert.ok(look(), 'a thread of the other set may have it');
    other.table.open(fd, TCP_CONNECTION, 0, 0);
    other.words[threadArea(0) + ACCEPTING] = 0;
    assert.ok(look(), 'the other set has its record');
    other.table.close(fd);
    assert.not(look(), 'no set has one');
  } finally {
    client.destroy();
    closeDescriptor(listener);
    for (const set of sets) await set.close();
  }
});

test.run();
