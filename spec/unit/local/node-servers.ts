/** Node's own servers on the local set: as a test suite uses them, hundreds in one process, compared with those of Node. */
import { once } from 'node:events';
import {
  Agent,
  createServer as createHttp,
  get,
  type Server as HttpServer,
  type RequestListener,
} from 'node:http';
import { type AddressInfo, connect, createServer as createNet, type Server } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { localBinding } from '../../../lib/local/binding.js';
import { setBinding } from '../../../lib/node/binding.js';
import { listenOnSet } from '../../../lib/node/listening.js';
import { openDescriptors } from '../../support/descriptors.js';
import { range, until, within } from '../../support/server/wait.js';

const CYCLES = 200;
const HELLO: RequestListener = (_request, response) => response.end('hello');

setBinding(localBinding());

const onSet = <S extends Server>(server: S): S => {
  listenOnSet(server);
  return server;
};
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const closed = (server: Server): Promise<unknown> =>
  within('close', new Promise((resolve) => server.close(resolve)));

function ask(server: Server, agent: Agent | false = false): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    get({ port: portOf(server), host: '127.0.0.1', agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
  return within('an answer', answer);
}

test('a server has its port as soon as listen() has been called, and listening comes later', async () => {
  const server = onSet(createHttp(HELLO));
  const events: string[] = [];
  server.on('listening', () => events.push('listening'));
  server.listen(0);
  assert.ok(portOf(server) > 0);
  assert.equal(events, []);
  await once(server, 'listening');
  assert.is(await ask(server), 'hello');
  await closed(server);
  assert.is(server.address(), null);
});

test('hundreds of servers, asked once each, leave nothing behind', async () => {
  const cycle = async () => {
    const server = onSet(createHttp(HELLO)).listen(0);
    assert.is(await ask(server), 'hello');
    await closed(server);
  };
  await cycle();
  const resources = () => process.getActiveResourcesInfo().sort();
  await until('the loop rests', () => !resources().includes('MessagePort'));
  const before = { descriptors: openDescriptors(), resources: resources() };
  for (const _ of range(CYCLES)) await cycle();
  await until('the last connection is closed', () => openDescriptors() <= before.descriptors);
  await until('the loop rests', () => !resources().includes('MessagePort'));
  assert.equal({ descriptors: openDescriptors(), resources: resources() }, before);
});

test('a server that closes does not wait for connections between two requests', async () => {
  const agent = new Agent({ keepAlive: true });
  const server = onSet(createHttp(HELLO)).listen(0);
  for (const _ of range(3)) assert.is(await ask(server, agent), 'hello');
  await closed(server);
  agent.destroy();
});

test('a timeout of the server itself, far shorter than the default, closes its connections', async () => {
  const server = onSet(createHttp(HELLO)).listen(0);
  server.keepAliveTimeout = 50;
  const socket = connect(portOf(server), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n');
  socket.resume();
  await within('the end of an idle connection', once(socket, 'close'));
  await closed(server);
});

test('a server of another protocol is served, and may speak first', async () => {
  const server = onSet(createNet((socket) => socket.end('ready'))).listen(0);
  const socket = connect(portOf(server), '127.0.0.1');
  const [bytes] = await within('the first bytes', once(socket, 'data'));
  assert.is(String(bytes), 'ready');
  socket.end();
  await closed(server);
});

/** What a program can see of the error of a server that listens in vain. */
async function errorOf(server: HttpServer | Server, port: number, host?: string): Promise<unknown> {
  server.listen({ port, ...(host !== undefined && { host }) });
  const [error] = (await within('an error', once(server, 'error'))) as [Error & Record<string, unknown>];
  const { message, code, errno, syscall, address } = error;
  return { message, code, errno, syscall, address, port: error.port };
}

test('errors of listening are those of Node', async () => {
  const taken = createNet().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const takenEverywhere = createNet().listen(0);
  await once(takenEverywhere, 'listening');
  for (const [port, host] of [
    [portOf(taken), '127.0.0.1'],
    [portOf(takenEverywhere), undefined],
    [1025, '192.0.2.1'],
  ] as const) {
    assert.equal(await errorOf(onSet(createHttp()), port, host), await errorOf(createHttp(), port, host));
  }
  await closed(taken);
  await closed(takenEverywhere);
});

test.run();
