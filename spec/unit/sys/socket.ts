/** Addresses as the kernel has them, and what goes wrong with them. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { addressOf, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EPIPE } from '../../../lib/sys/libc.js';
import {
  acceptConnection,
  bindListener,
  localAddress,
  receive,
  remoteAddress,
  remoteNetwork,
  type SocketAddress,
  shutdownSending,
  startListening,
  transmit,
  transmitFrom,
} from '../../../lib/sys/socket.js';
import { isOpen, socketPair } from '../../support/set/native.js';

/** Binds, and returns the address that the kernel says. */
function bound(address: SocketAddress): SocketAddress {
  const fd = bindListener(address);
  try {
    return localAddress(fd)!;
  } finally {
    closeDescriptor(fd);
  }
}

function refused(call: () => unknown, code: string, errno?: number): PacelineError {
  let caught: unknown;
  try {
    call();
  } catch (error) {
    caught = error;
  }
  assert.instance(caught, PacelineError);
  const error = caught as PacelineError;
  assert.is(error.code, code);
  if (errno !== undefined) assert.is(error.errno, errno);
  return error;
}

/** The network of a client that connects from one of this machine's addresses. */
async function networkOf(listen: SocketAddress, host: string, from?: string): Promise<number> {
  const listener = bindListener(listen);
  startListening(listener, 1);
  const { port } = localAddress(listener)!;
  const client = connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
  let fd = -1;
  try {
    await once(client, 'connect');
    fd = acceptConnection(listener);
    return remoteNetwork(fd);
  } finally {
    client.destroy();
    closeDescriptor(fd);
    closeDescriptor(listener);
  }
}

test('a network has a number, the same one whatever family its address comes in', async () => {
  const v4 = { address: '127.0.0.1', family: 'IPv4', port: 0 } as const;
  const both = { address: '::', family: 'IPv6', port: 0 } as const;
  const one = await networkOf(v4, '127.0.0.1', '127.0.0.2');
  const other = await networkOf(v4, '127.0.0.1', '127.0.0.3');
  assert.is(one, 0x7f00_0002);
  assert.is(await networkOf(v4, '127.0.0.1', '127.0.0.2'), one);
  assert.is.not(one, other);
  assert.is(await networkOf(both, '127.0.0.1', '127.0.0.2'), one, 'mapped to IPv6');
  assert.is.not(await networkOf(both, '::1'), 0);
  const [a, b] = socketPair();
  assert.is(remoteNetwork(a), 1, 'a Unix socket has none');
  closeDescriptor(a);
  closeDescriptor(b);
  assert.is(remoteNetwork(a), 1, 'nor has what is no socket');
});

test('addresses come back from the kernel as they were bound', () => {
  for (const [address, family] of [
    ['127.0.0.1', 'IPv4'],
    ['127.255.1.254', 'IPv4'],
    ['0.0.0.0', 'IPv4'],
    ['::1', 'IPv6'],
    ['::', 'IPv6'],
  ] as const) {
    const local = bound({ address, family, port: 0 });
    assert.is(local.address, address);
    assert.is(local.family, family);
    assert.ok(local.port > 0 && local.port < 65_536);
    assert.is(bound(local).port, local.port, 'a certain port too');
  }
});

test('an IPv6 address may be spelt in any way', () => {
  for (const address of ['0:0:0:0:0:0:0:1', '::0001', '0::0.0.0.1']) {
    assert.is(bound({ address, family: 'IPv6', port: 0 }).address, '::1');
  }
});

test('an IPv4 address in IPv6 spelling can be bound', () => {
  const address = '::ffff:127.0.0.1';
  assert.is(bound({ address, family: 'IPv6', port: 0 }).address, address);
});

test('a client has an address of its own', () => {
  const listener = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  assert.is(remoteAddress(listener), undefined);
  startListening(listener, 1);
  assert.is(acceptConnection(listener), -EAGAIN);
  closeDescriptor(listener);
});

test("a Unix socket's path comes back, the longest one too, and longer ones are refused", () => {
  const folder = mkdtempSync(join(tmpdir(), 'p-'));
  try {
    const longest = join(folder, 'x'.repeat(107 - folder.length - 1));
    for (const address of [join(folder, 'a'), join(folder, 'ü'), longest]) {
      assert.equal(bound({ address, family: 'Unix', port: 0 }), { address, family: 'Unix', port: 0 });
    }
    for (const address of [`${longest}y`, '', `${folder}/a\0b`]) {
      refused(() => bindListener({ address, family: 'Unix', port: 0 }), 'PACELINE_ADDRESS');
    }
    const taken = refused(
      () => bindListener({ address: longest, family: 'Unix', port: 0 }),
      'PACELINE_ADDRESS_IN_USE',
      EADDRINUSE,
    );
    assert.ok(taken.message.includes(longest));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an address that another server listens on is in use, and no descriptor is left behind', () => {
  for (const [address, family, shown] of [
    ['127.0.0.1', 'IPv4', '127.0.0.1:'],
    ['::1', 'IPv6', '[::1]:'],
  ] as const) {
    const listener = bindListener({ address, family, port: 0 });
    startListening(listener, 1);
    const next = localAddress(listener)!;
    const error = refused(() => bindListener(next), 'PACELINE_ADDRESS_IN_USE', EADDRINUSE);
    assert.is(error.syscall, 'bind');
    assert.ok(error.message.startsWith(`${shown}${next.port} is in use`));
    assert.not(isOpen(listener + 1));
    closeDescriptor(listener);
  }
});

test('two sockets that are bound to one port find out when they listen', () => {
  const first = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  const second = bindListener(localAddress(first)!);
  startListening(first, 1);
  const error = refused(() => startListening(second, 1), 'PACELINE_ADDRESS_IN_USE', EADDRINUSE);
  assert.is(error.syscall, 'listen');
  for (const fd of [first, second]) closeDescriptor(fd);
});

test('an address of another machine is refused', () => {
  const address = { address: '192.0.2.1', family: 'IPv4', port: 0 } as const;
  refused(() => bindListener(address), 'PACELINE_ADDRESS', EADDRNOTAVAIL);
});

test('transfers return bytes, 0 at the end, or the errno negated', () => {
  const [here, there] = socketPair();
  const buffer = Buffer.alloc(100);
  const address = addressOf(buffer);
  assert.is(receive(here, address, 100), -EAGAIN);
  assert.is(transmit(there, Buffer.from('hello, world'), 5), 5);
  assert.is(receive(here, address, 2), 2);
  assert.is(receive(here, address, 100), 3);
  assert.is(buffer.toString('latin1', 0, 3), 'llo');
  shutdownSending(there);
  assert.is(receive(here, address, 100), 0);
  closeDescriptor(there);
  assert.is(transmitFrom(here, address, 5, true), -EPIPE);
  assert.is(transmit(here, buffer, 5), -EPIPE, 'and no signal ends the process');
  closeDescriptor(here);
});

test.run();
