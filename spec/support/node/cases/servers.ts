/** The server's own life: listening, closing, its connections. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Case, head, last, requestCase, type Served } from '../case.js';
import { Client } from '../client.js';
import { attempt, describe } from '../trace.js';

function connections({ server }: Served): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

function watchServer({ server, trace }: Served): void {
  trace.watch('server', server, ['listening', 'close', 'error']);
}

export const SERVERS: readonly Case[] = [
  requestCase(
    'listening, address and events',
    last('GET /'),
    (_req, res, { server, log }) => {
      const { address, family, port } = server.address() as AddressInfo;
      log(`${server.listening} ${address} ${family} ${port > 0} ${typeof port}`);
      res.end();
    },
    {
      configure: (served) => {
        watchServer(served);
        served.log(`before ${served.server.listening} ${served.server.address()}`);
      },
    },
  ),
  requestCase(
    'a Unix socket',
    last('GET /'),
    (req, res, { server, log }) => {
      log(
        `${typeof server.address()} ${req.socket.remoteAddress} ${req.socket.localPort} ${req.socket.remoteFamily}`,
      );
      log(JSON.stringify(req.socket.address()));
      res.end('answer');
    },
    { unix: true },
  ),
  requestCase(
    'close while a request is under way',
    async (client, served) => {
      await client.send(head('GET /'));
      await served.trace.until('listener');
      served.server.close((error) => served.log(`server closed ${error}`));
      served.log(`server listening ${served.server.listening} ${served.server.address()}`);
      await client.over();
      await served.trace.until('server closed');
    },
    async (req, res, { trace, log }) => {
      trace.ends(req, res);
      log('listener');
      await trace.until('server listening');
      res.end('answer');
    },
    {
      configure: (served) => {
        watchServer(served);
        // Node keeps the connection until then.
        served.server.keepAliveTimeout = 1;
      },
    },
  ),
  requestCase(
    'close ends idle connections',
    async (client, served) => {
      await client.send(head('GET /'));
      await served.trace.until('res close');
      served.server.close((error) => served.log(`server closed ${error}`));
      await client.over();
      await served.trace.until('server closed');
    },
    (_req, res, { trace }) => {
      trace.watch('res', res, ['close']);
      res.end('answer');
    },
    { configure: watchServer },
  ),
  {
    name: 'close does not end a connection without a request',
    serve: (served) => {
      served.server.on('request', (_req, res) => res.end('answer'));
      served.server.on('connection', () => served.log('server connection'));
    },
    talk: async (client, served) => {
      await served.trace.until('server connection');
      served.server.close(() => served.log('server closed'));
      await client.send(last('GET /'));
      await client.over();
    },
  },
  requestCase(
    'closeIdleConnections',
    async (client, served) => {
      const idle = served.connect();
      await idle.send(head('GET /1'));
      await idle.seen('answer');
      await served.trace.until('res close');
      await client.send(head('GET /2'));
      await served.trace.until('listener /2');
      served.server.closeIdleConnections();
      await idle.over();
      served.log(`connections ${await connections(served)}`);
      await client.over();
    },
    async (req, res, { trace, log }) => {
      trace.watch('res', res, ['close']);
      log(`listener ${req.url}`);
      if (req.url === '/2') {
        await trace.until('connections');
        res.setHeader('Connection', 'close');
      }
      res.end('answer');
    },
  ),
  requestCase(
    'closeAllConnections',
    async (client, served) => {
      const idle = served.connect();
      await idle.send(head('GET /1'));
      await idle.seen('answer');
      await served.trace.until('res finish');
      await client.send(head('GET /2'));
      await served.trace.until('listener /2');
      served.server.closeAllConnections();
      await idle.over();
      await client.over();
      await served.trace.until('res close', 2);
    },
    (req, res, { trace, log }) => {
      trace.watch('res', res, ['finish', 'error', 'close']);
      trace.watch('req', req, ['aborted', 'error', 'close']);
      log(`listener ${req.url}`);
      if (req.url === '/1') res.end('answer');
    },
  ),
  requestCase(
    'getConnections',
    async (client, served) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      served.log(`connections ${await connections(served)}`);
      const second = served.connect();
      await second.send(head('GET /2'));
      await second.seen('answer');
      served.log(`connections ${await connections(served)}`);
    },
    (_req, res) => void res.end('answer'),
  ),
  {
    name: 'close twice, and close before listen',
    serve: ({ server, log }) => {
      server.on('request', (_req, res) => res.end('answer'));
      server.on('connection', () => log('connection'));
      server.close((error) => log(`early ${describe(error)}`));
    },
    talk: async (client, served) => {
      await served.trace.until('connection');
      served.server.close((error) => served.log(`first ${describe(error)}`));
      served.log(
        attempt(
          () => served.server.close((error) => served.log(`second ${describe(error)}`)) === served.server,
        ),
      );
      client.end();
      await served.trace.until('second');
    },
  },
  {
    name: 'a closed server does not reach the connections of the next one',
    serve: ({ server }) => void server.on('request', (_req, res) => res.end('answer')),
    talk: async (client, { http, server, log }) => {
      client.end();
      await client.closed();
      await new Promise((resolve) => server.close(resolve));
      const next = http.createServer((_req, res) => void res.end('next'));
      await once(next.listen(0, '127.0.0.1'), 'listening');
      const { port } = next.address() as AddressInfo;
      const other = new Client({ port, host: '127.0.0.1' });
      await other.send(head('GET /1'));
      await other.seen('next');
      server.closeAllConnections();
      server.closeIdleConnections();
      server.getConnections((_error, count) => log(`connections ${count}`));
      await other.send(last('GET /2'));
      await other.over();
      log(other.received.replaceAll(/Date: .*/g, ''));
      other.end();
      await other.closed();
      await new Promise((resolve) => next.close(resolve));
    },
  },
  {
    name: 'listen twice',
    serve: ({ server }) => void server.on('request', (_req, res) => res.end('answer')),
    talk: async (client, served) => {
      served.log(attempt(() => served.server.listen(0)));
      await client.send(last('GET /'));
      await client.over();
    },
  },
  {
    name: 'an address that is in use',
    serve: ({ server }) => void server.on('request', (_req, res) => res.end('answer')),
    talk: async (client, { http, server, log }) => {
      const { port } = server.address() as AddressInfo;
      const second = http.createServer();
      second.listen(port, '127.0.0.1');
      const [error] = (await once(second, 'error')) as [
        NodeJS.ErrnoException & { port: number; address: string },
      ];
      log(`${error.code} ${error.syscall} ${error.port === port} ${error.address} ${second.listening}`);
      await client.send(last('GET /'));
      await client.over();
    },
  },
  {
    name: 'listen again after close',
    serve: (served) => {
      watchServer(served);
      served.server.on('request', (_req, res) => res.end('answer'));
    },
    talk: async (client, { server, connect, log }) => {
      const { port } = server.address() as AddressInfo;
      client.end();
      await client.closed();
      await new Promise((resolve) => server.close(resolve));
      server.listen(port, '127.0.0.1', () => log('listening again'));
      await once(server, 'listening');
      const second = connect();
      await second.send(last('GET /'));
      await second.over();
    },
  },
  {
    name: 'a server without a listener of request',
    serve: () => {},
    talk: async (client, { trace, log }) => {
      await client.send(head('GET /'));
      log('sent');
      await trace.until('sent');
      client.destroy();
    },
  },
  {
    name: 'several listeners of request',
    serve: ({ server, log }) => {
      server.on('request', (_req, res) => {
        log(`first ${res.headersSent}`);
        res.end('answer');
      });
      server.on('request', (_req, res) => log(`second ${res.headersSent} ${res.writableEnded}`));
      server.once('request', () => log('once'));
      server.prependListener('request', (_req, res) => log(`before ${res.headersSent}`));
    },
    talk: async (client) => {
      await client.send(head('GET /'));
      await client.seen('answer');
      await client.send(last('GET /'));
      await client.over();
    },
  },
  {
    name: 'a listener that replaces another one',
    serve: ({ server }) => void server.on('request', (_req, res) => res.end('old')),
    talk: async (client, { server }) => {
      await client.send(head('GET /'));
      await client.seen('old');
      server.removeAllListeners('request');
      server.on('request', (_req, res) => res.end('new'));
      await client.send(last('GET /'));
      await client.over();
    },
  },
  {
    name: 'emit is patched',
    serve: ({ server, log }) => {
      const emit = server.emit.bind(server) as (event: string, ...rest: unknown[]) => boolean;
      server.emit = (event: string, ...rest: unknown[]) => {
        if (event === 'request') log('server emit request');
        return emit(event, ...rest);
      };
      server.on('request', (_req, res) => res.end('answer'));
    },
    talk: async (client) => {
      await client.send(last('GET /'));
      await client.over();
    },
  },
];
