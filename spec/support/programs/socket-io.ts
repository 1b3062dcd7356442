/** The checks of socket.io, for one transport after another. */
import * as assert from 'uvu/assert';
import { range, until } from '../server/wait.js';
import { together } from './ask.js';
import { askIo, connectIo, type IoSocket } from './clients.js';
import type { Check } from './compare.js';

const MIB = 1024 * 1024;
const MEMBERS = 12;
const MESSAGES = 20;

/** What a socket has received by an event. */
function received(socket: IoSocket, event: string): unknown[] {
  const values: unknown[] = [];
  socket.on(event, (value) => values.push(value));
  return values;
}

async function withSockets<T>(
  url: string,
  options: object,
  use: (sockets: readonly IoSocket[]) => Promise<T>,
): Promise<T> {
  const sockets = await Promise.all(range(MEMBERS).map(() => connectIo(url, options)));
  try {
    return await use(sockets);
  } finally {
    for (const socket of sockets) socket.disconnect();
  }
}

/** @param transport what the client is told to use, alone or, for `upgrade`, one after the other */
export function socketIoChecks(transport: 'websocket' | 'polling' | 'upgrade'): Record<string, Check> {
  const options = { transports: transport === 'upgrade' ? ['polling', 'websocket'] : [transport] };
  const name = transport === 'polling' ? 'polling' : 'websocket';
  return {
    [`${transport}: events and their acknowledgements, with text and bytes`]: async (url) => {
      await together(MEMBERS, async (index) => {
        const socket = await connectIo(url, { ...options, query: { name: String(index) } });
        await until(`the transport is ${name}`, () => socket.io.engine.transport.name === name);
        assert.equal(await askIo(socket, 'who am I'), { name: String(index), address: '127.0.0.1' });
        for (let message = 0; message < MESSAGES; message++)
          assert.is(await askIo(socket, 'echo', `message ${message}`), `message ${message}`);
        const bytes = Buffer.alloc(2 * MIB, index);
        assert.is(Buffer.compare((await askIo(socket, 'echo', bytes)) as Buffer, bytes), 0);
        assert.equal(await askIo(socket, 'echo', { a: [1, null, 'ü'] }), { a: [1, null, 'ü'] });
        socket.disconnect();
      });
    },

    [`${transport}: a room reaches its members and nobody else`]: (url) =>
      withSockets(url, options, async (sockets) => {
        const heard = sockets.map((socket) => received(socket, 'said'));
        const room = `room ${transport}`;
        const members = range(MEMBERS).filter((index) => index % 3 !== 0);
        await Promise.all(members.map((index) => askIo(sockets[index]!, 'join', room)));
        assert.is(await askIo(sockets[0]!, 'count', room), members.length);
        sockets[0]!.emit('say', room, 'first');
        await until('all members hear it', () => members.every((index) => heard[index]!.length === 1));
        await askIo(sockets[1]!, 'leave', room);
        sockets[2]!.emit('say', room, 'second');
        await until('the others hear it', () =>
          members.slice(1).every((index) => heard[index]!.length === 2),
        );
        // What was sent before an answer has arrived with it.
        for (const socket of sockets) await askIo(socket, 'echo', 'end');
        return heard;
      }),

    [`${transport}: a broadcast reaches all others`]: (url) =>
      withSockets(url, options, async (sockets) => {
        const told = sockets.map((socket) => received(socket, 'told'));
        sockets[0]!.emit('tell others', 'news');
        await until('the others are told', () => told.slice(1).every(({ length }) => length === 1));
        await askIo(sockets[0]!, 'echo', 'end');
        return told;
      }),

    [`${transport}: a namespace with a middleware`]: async (url) => {
      const refused = await connectIo(`${url}/admin`, { ...options, auth: { token: 'guest' } }).catch(
        ({ message }: Error) => message,
      );
      assert.is(refused, 'not allowed');
      const socket = await connectIo(`${url}/admin`, { ...options, auth: { token: 'admin' } });
      const rights = await askIo(socket, 'rights');
      socket.disconnect();
      return rights;
    },

    [`${transport}: the server disconnects`]: async (url) => {
      const socket = await connectIo(url, options);
      const reason = received(socket, 'disconnect');
      socket.emit('leave us');
      await until('it has disconnected', () => !socket.connected && reason.length === 1);
      return reason;
    },
  };
}
