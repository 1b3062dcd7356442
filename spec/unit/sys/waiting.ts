/** What waits in the kernel: connections that nobody has accepted, and input that nobody has read. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeDescriptor, duplicateDescriptor } from '../../../lib/sys/descriptor.js';
import { acceptConnection, bindListener, localAddress, startListening } from '../../../lib/sys/socket.js';
import { acceptQueueLength, socketCookie, withUnreadInput } from '../../../lib/sys/waiting.js';
import { range, until } from '../../support/server/wait.js';

/** Clients of a listener that accepts only when the spec does. */
async function withClients(
  count: number,
  spec: (listener: number, clients: Socket[]) => Promise<void>,
): Promise<void> {
  const listener = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  const clients: Socket[] = [];
  try {
    startListening(listener, 16);
    const { port } = localAddress(listener)!;
    for (const _ of range(count)) {
      const client = connect(port, '127.0.0.1');
      clients.push(client);
      await once(client, 'connect');
    }
    await spec(listener, clients);
  } finally {
    for (const client of clients) client.destroy();
    closeDescriptor(listener);
  }
}

test('the accept queue has the connections that nobody has accepted', () =>
  withClients(3, async (listener) => {
    await until('all are in the queue', () => acceptQueueLength(listener) === 3);
    const accepted = acceptConnection(listener);
    assert.is(acceptQueueLength(listener), 2);
    assert.is(acceptQueueLength(accepted), 0, 'a connection has no queue');
    closeDescriptor(accepted);
    assert.is(acceptQueueLength(accepted), 0);
  }));

test('all descriptors of a socket have its cookie', () =>
  withClients(1, async (listener) => {
    await until('it is in the queue', () => acceptQueueLength(listener) === 1);
    const [same, accepted] = [duplicateDescriptor(listener), acceptConnection(listener)];
    try {
      assert.ok(socketCookie(listener) > 0);
      assert.is(socketCookie(same), socketCookie(listener));
      assert.not.equal(socketCookie(accepted), socketCookie(listener));
      assert.is(socketCookie(1 << 19), 0);
    } finally {
      closeDescriptor(same);
      closeDescriptor(accepted);
    }
  }));

test('unread input counts, of a peer that has not left', () =>
  withClients(3, async (listener, [first, second, third]) => {
    await until('all are in the queue', () => acceptQueueLength(listener) === 3);
    const fds = range(3).map(() => acceptConnection(listener));
    try {
      assert.equal(withUnreadInput([]), []);
      assert.equal(withUnreadInput(fds), []);
      first!.write('x');
      third!.write('x');
      await until('the input is there', () => withUnreadInput(fds).length === 2);
      assert.equal(withUnreadInput(fds), [fds[0], fds[2]]);
      second!.end();
      third!.end('y');
      await until('the third has left', () => withUnreadInput(fds).length === 1);
      assert.equal(withUnreadInput([...fds, 1 << 19]), [fds[0]], 'nor a descriptor that is not open');
    } finally {
      for (const fd of fds) closeDescriptor(fd);
    }
  }));

test.run();
