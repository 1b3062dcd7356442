/** Upgrades and CONNECT. */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Case, head, last, requestCase, type Served, type Talk } from '../case.js';

const UPGRADE = head('GET /chat', 'Connection: Upgrade', 'Upgrade: own');
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n';

/** What the types leave out. */
type Upgradable = IncomingMessage & { readonly upgrade: boolean | null };

type OnUpgrade = (req: IncomingMessage, socket: Duplex, bytes: Buffer, served: Served) => void;

function upgradeCase(name: string, talk: Talk, listener: OnUpgrade, more: Partial<Case> = {}): Case {
  return {
    name,
    serve: (served) => {
      served.server.on('request', (req, res) => {
        served.log(`server request ${req.url}`);
        res.end('answer');
      });
      served.server.on('upgrade', (req, socket, bytes) => listener(req, socket, bytes, served));
    },
    talk,
    ...more,
  };
}

/** Logs all that happens on a socket, its content included. */
function watch(socket: Duplex, { trace }: Served): void {
  trace.watch('socket', socket, ['end', 'finish', 'error', 'close']);
  socket.on('data', (chunk) => trace.data('socket', chunk));
}

const echo: OnUpgrade = (req, socket, bytes, served) => {
  const { log } = served;
  log(
    `upgrade ${req.method} ${req.url} ${(req as Upgradable).upgrade} ${req.complete} ${JSON.stringify(req.headers)}`,
  );
  log(`upgrade head ${bytes.toString('latin1')} ${Buffer.isBuffer(bytes)} ${socket === req.socket}`);
  watch(socket, served);
  socket.write(SWITCHING);
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('end', () => socket.end());
};

async function conversation(client: Parameters<Talk>[0], { trace }: Served, line: string): Promise<void> {
  await client.seen(SWITCHING);
  await client.send('one');
  await client.seen('one');
  await client.send('two');
  await client.seen('two');
  client.end();
  await trace.until(line);
}

function facts(req: IncomingMessage, socket: Duplex): string {
  const { allowHalfOpen, readable, writable, destroyed, readyState, connecting, pending } = socket as Socket;
  return [
    ...[
      socket instanceof Socket,
      allowHalfOpen,
      readable,
      writable,
      destroyed,
      readyState,
      connecting,
      pending,
    ],
    ...[(socket as Socket).remoteFamily, (socket as Socket).remoteAddress, socket.readableFlowing],
    ...[socket.listenerCount('data'), socket.listenerCount('timeout'), socket.listenerCount('error')],
    ...[req.readableEnded, req.complete, req.destroyed],
  ].join(' ');
}

export const UPGRADES: readonly Case[] = [
  upgradeCase(
    'an upgrade, data both ways',
    async (client, served) => {
      await client.send(UPGRADE);
      await conversation(client, served, 'socket close');
    },
    echo,
  ),
  upgradeCase(
    'an upgrade with bytes behind its head',
    async (client, served) => {
      await client.send(`${UPGRADE}early`);
      await conversation(client, served, 'socket close');
    },
    echo,
  ),
  upgradeCase(
    'an upgrade whose head comes byte by byte',
    async (client, served) => {
      await client.sendBytewise(UPGRADE);
      await conversation(client, served, 'socket close');
    },
    echo,
  ),
  upgradeCase(
    'an upgrade after other requests',
    async (client, served) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(UPGRADE);
      await conversation(client, served, 'socket close');
    },
    echo,
  ),
  upgradeCase(
    'the socket of an upgrade',
    async (client) => {
      await client.send(UPGRADE);
      await client.over();
    },
    (req, socket, _bytes, { log }) => {
      log(facts(req, socket));
      socket.end(SWITCHING);
    },
  ),
  upgradeCase(
    'an upgrade refused with an answer',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.over();
      client.end();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, served) => {
      watch(socket, served);
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nno');
    },
  ),
  upgradeCase(
    'an upgrade that is destroyed',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.over();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, served) => {
      watch(socket, served);
      socket.destroy();
    },
  ),
  upgradeCase(
    'an upgrade that is destroyed with an error',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.over();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, served) => {
      watch(socket, served);
      socket.destroy(new Error('own'));
    },
  ),
  upgradeCase(
    'an upgraded connection that the client ends, and the server goes on',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.seen(SWITCHING);
      client.end();
      await client.over();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, served) => {
      watch(socket, served);
      socket.write(SWITCHING);
      socket.on('end', () => {
        socket.write('more');
        setImmediate(() => socket.end('last'));
      });
    },
  ),
  upgradeCase(
    'an upgraded connection that the server ends, and the client goes on',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.over();
      await client.send('more');
      await trace.until('socket data more');
      client.end();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, served) => {
      watch(socket, served);
      socket.end(SWITCHING);
    },
  ),
  upgradeCase(
    'an upgraded connection that the client resets',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.seen(SWITCHING);
      client.reset();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, served) => {
      watch(socket, served);
      socket.write(SWITCHING);
    },
  ),
  upgradeCase(
    'an upgraded connection with back-pressure',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.seen(SWITCHING);
      client.socket.end('x'.repeat(2_000_000));
      await client.over();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, { trace }) => {
      trace.watch('socket', socket, ['end', 'finish', 'error', 'close']);
      socket.write(SWITCHING);
      socket.pipe(socket);
    },
  ),
  upgradeCase(
    'a timeout on an upgraded socket',
    async (client, { trace }) => {
      await client.send(UPGRADE);
      await client.over();
      client.end();
      await trace.until('socket close');
    },
    (_req, socket, _bytes, served) => {
      watch(socket, served);
      socket.write(SWITCHING);
      (socket as Socket).setTimeout(100, () => {
        served.log('socket timeout');
        socket.end();
      });
    },
  ),
  upgradeCase(
    'an upgraded connection outlives the server’s close',
    async (client, served) => {
      await client.send(UPGRADE);
      await client.seen(SWITCHING);
      served.server.close(() => served.log('server closed'));
      served.server.closeAllConnections();
      await conversation(client, served, 'socket close');
      await served.trace.until('server closed');
    },
    echo,
    { order: 'each' },
  ),
  upgradeCase(
    'an upgrade that is answered later',
    async (client, served) => {
      await client.send(UPGRADE);
      await served.trace.until('server upgrade');
      await client.send('early');
      await conversation(client, served, 'socket close');
    },
    (_req, socket, bytes, served) => {
      served.log('server upgrade');
      let turns = 0;
      const later = (): void => {
        if (++turns < 20) {
          setImmediate(later);
          return;
        }
        watch(socket, served);
        served.log(`head ${bytes.length}`);
        socket.write(SWITCHING);
        socket.on('data', (chunk) => socket.write(chunk));
        socket.on('end', () => socket.end());
      };
      later();
    },
  ),
  requestCase(
    'an upgrade without a listener is a request',
    last('GET /', 'Upgrade: own'),
    (req, res, { log }) => {
      log(`${(req as Upgradable).upgrade} ${JSON.stringify(req.headers)}`);
      res.end('answer');
    },
  ),
  requestCase(
    'an upgrade without a listener, with Connection: Upgrade',
    async (client) => {
      await client.send(UPGRADE);
      await client.seen('answer');
    },
    (req, res, { log }) => {
      log(`${(req as Upgradable).upgrade} ${JSON.stringify(req.headers)}`);
      res.end('answer');
    },
  ),
  {
    name: 'CONNECT without a listener',
    serve: ({ server, log }) => {
      server.on('request', () => log('server request'));
    },
    talk: async (client) => {
      await client.send('CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n');
      await client.over();
    },
  },
  {
    name: 'CONNECT with a listener',
    serve: (served) => {
      served.server.on('connect', (req, socket, bytes) => {
        served.log(`connect ${req.method} ${req.url} ${bytes.toString('latin1')}`);
        watch(socket, served);
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.on('data', (chunk) => socket.write(chunk));
        socket.on('end', () => socket.end());
      });
    },
    talk: async (client, { trace }) => {
      await client.send('CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\nearly');
      await client.seen('established\r\n\r\n');
      await client.send('one');
      await client.seen('one');
      client.end();
      await trace.until('socket close');
    },
  },
];
