/** How the groups of a server get sockets at the same addresses. */
import { existsSync, mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GroupSockets } from '../../../lib/control/group-sockets.js';
import { BACKLOG, describeAddress, type Listener } from '../../../lib/control/listener.js';
import { OwnAddress } from '../../../lib/control/own-address.js';
import type { PacelineError } from '../../../lib/errors.js';
import type { ListenOptions } from '../../../lib/options/listen-options.js';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { bindListener, startListening } from '../../../lib/sys/socket.js';
import type { ListenRequest } from '../../../lib/thread/messages.js';
import { range } from '../../support/server/wait.js';
import { isOpen } from '../../support/set/native.js';

const ANY_PORT: ListenRequest = {
  address: '127.0.0.2',
  port: 0,
  path: null,
  backlog: 0,
  protocol: 'http',
};

const whereOf = ({ address }: Listener): string => describeAddress(address);

/** Takes an own address, as serving it does. */
function takeOf(own: OwnAddress): Listener {
  const listener = own.take();
  startListening(listener.fd, BACKLOG);
  return listener;
}

async function ownOf(where: ListenOptions, groups: number) {
  const own = await OwnAddress.bind(where);
  const sockets = new GroupSockets();
  return { sockets, own: range(groups).map((group) => sockets.ownOf([own], group, groups)[0]!) };
}

test('each group has a socket of its own at the address of the server', async () => {
  const { own } = await ownOf({ port: 0 }, 3);
  const listeners = own.map(takeOf);
  assert.is(new Set(listeners.map(({ fd }) => fd)).size, 3);
  assert.is(new Set(listeners.map(whereOf)).size, 1);
  assert.ok(listeners[0]!.address.port > 0);
  // Without the option, as any other server.
  const other = await OwnAddress.bind({ port: listeners[0]!.address.port });
  assert.throws(
    () => other.take(),
    ({ code }: PacelineError) => code === 'PACELINE_ADDRESS_IN_USE',
  );
  for (const listener of listeners) listener.close();
  assert.not(listeners.some(({ fd }) => isOpen(fd)));
});

test('the socket of an own address that all groups drop is closed, and no sooner', async () => {
  const { own } = await ownOf({ port: 0 }, 2);
  const port = own[0]!.address.port;
  own[0]!.drop();
  own[0]!.drop();
  const held = await OwnAddress.bind({ port });
  // Nobody listens, so both may be bound.
  held.drop();
  const listener = takeOf(own[1]!);
  assert.is(listener.address.port, port);
  listener.close();
});

test('the groups share a Unix socket, own or asked for, whose path goes with the last', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-groups-'));
  const path = join(folder, 'one.sock');
  const { own, sockets } = await ownOf({ path }, 2);
  const request: ListenRequest = { ...ANY_PORT, address: null, port: -1, path };
  const requested = () => range(2).map((group) => sockets.open(request, group));
  for (const open of [() => own.map(takeOf), requested]) {
    const [first, second] = await Promise.all(open());
    assert.equal([first!.path, second!.path], [path, path]);
    first!.close();
    assert.ok(existsSync(path));
    unlinkSync(path);
    second!.restore!();
    assert.equal(await connects(path), true, 'by the same socket');
    second!.restore!();
    unlinkSync(path);
    unlinkSync(`${path}.paceline`);
    assert.throws(() => second!.restore!(), /has removed the path/);
    second!.close();
    assert.equal(readdirSync(folder), []);
  }
  rmSync(folder, { recursive: true });
});

test('a path that a thread removes while its socket is opened is there in the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-groups-'));
  const path = join(folder, 'early.sock');
  const sockets = new GroupSockets();
  const opening = sockets.open({ ...ANY_PORT, address: null, port: -1, path }, 0);
  // No more than microtasks are between the bound socket and its second name.
  while (!existsSync(path)) await Promise.resolve();
  assert.not(existsSync(`${path}.paceline`));
  unlinkSync(path);
  const listener = await opening;
  assert.ok(await connects(path));
  listener.close();
  assert.equal(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

test('what a server that was killed has left of a shared path is replaced', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-groups-'));
  const path = join(folder, 'left.sock');
  closeDescriptor(bindListener({ address: `${path}.paceline`, family: 'Unix', port: 0 }));
  const request: ListenRequest = { ...ANY_PORT, address: null, port: -1, path };
  const sockets = new GroupSockets();
  const first = await sockets.open(request, 0);
  unlinkSync(path);
  const second = await sockets.open(request, 1);
  assert.ok(await connects(path), 'a group that listens later makes the path again');
  first.close();
  second.close();
  assert.equal(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

const connects = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const client = connect(path, () => {
      client.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });

test('equal requests of different groups get one port, and those of one group each their own', async () => {
  const sockets = new GroupSockets();
  const [one, two, other, more] = await Promise.all([
    sockets.open(ANY_PORT, 0),
    sockets.open(ANY_PORT, 0),
    sockets.open(ANY_PORT, 1),
    sockets.open(ANY_PORT, 1),
  ]);
  assert.is(whereOf(one), whereOf(other));
  assert.is(whereOf(two), whereOf(more));
  assert.is.not(whereOf(one), whereOf(two));
  const raw = await sockets.open({ ...ANY_PORT, protocol: 'tcp' }, 0);
  assert.not([whereOf(one), whereOf(two)].includes(whereOf(raw)));
  for (const listener of [one, two, other, more, raw]) listener.close();
});

test('a group that listens again gets the port that the others have, and a new one where none has it', async () => {
  const sockets = new GroupSockets();
  const one = await sockets.open(ANY_PORT, 0);
  const other = await sockets.open(ANY_PORT, 1);
  one.close();
  const again = await sockets.open({ ...ANY_PORT }, 0);
  assert.is(whereOf(again), whereOf(other));
  again.close();
  other.close();
  const fresh = await sockets.open(ANY_PORT, 1);
  assert.ok(isOpen(fresh.fd));
  fresh.close();
});

test('an own address is joined that a server of the app has asked for in another group', async () => {
  const { sockets, own } = await ownOf({ port: 0, host: '127.0.0.2' }, 2);
  const { port } = own[0]!.address;
  takeOf(own[0]!).close();
  const asked = await sockets.open({ ...ANY_PORT, port }, 0);
  const joined = takeOf(own[1]!);
  assert.is(whereOf(joined), whereOf(asked));
  asked.close();
  joined.close();
});

test('a port that is taken is refused to every group', async () => {
  const { own } = await ownOf({ port: 0, host: '127.0.0.2' }, 1);
  const owner = takeOf(own[0]!);
  const sockets = new GroupSockets();
  const request = { ...ANY_PORT, port: owner.address.port };
  const codes = await Promise.all(
    range(2).map((group) => sockets.open(request, group).then(String, ({ code }) => code)),
  );
  assert.equal(codes, ['PACELINE_ADDRESS_IN_USE', 'PACELINE_ADDRESS_IN_USE']);
  owner.close();
  const listener = await sockets.open(request, 1);
  listener.close();
});

test.run();
