/** Timeouts: what happens when they expire; how long that takes is not compared. */
import type { Socket } from 'node:net';
import { type Case, head, type Listener, last, requestCase, type Served } from '../case.js';
import type { Client } from '../client.js';

/** Long enough that what a client sends at once comes before, on a busy machine, too. */
const SHORT_MS = 150;

const silent: Listener = (req, res, { trace, log }) => {
  trace.flags(req, res);
  log('listener');
};

async function untilOver(client: Client, { trace }: Served): Promise<void> {
  await client.send(head('GET /'));
  await trace.until('listener');
  await client.over();
}

/** Answers when its timeout expires. */
function answering(
  set: (
    req: Parameters<Listener>[0],
    res: Parameters<Listener>[1],
    expired: (...rest: unknown[]) => void,
  ) => void,
): Listener {
  return (req, res, { trace, log }) => {
    trace.flags(req, res);
    log('listener');
    set(req, res, (socket) => {
      log(`timeout ${socket === req.socket}`);
      res.writeHead(503, { Connection: 'close' }).end('late');
    });
  };
}

/** Logs the errors of clients, and lets the server answer as it does without a listener of them. */
function watchSockets({ server, trace }: Served): void {
  server.on('connection', (socket: Socket) =>
    trace.watch('socket', socket, ['timeout', 'end', 'error', 'close']),
  );
}

export const TIMEOUTS: readonly Case[] = [
  requestCase('server.timeout destroys the connection', untilOver, silent, {
    configure: ({ server }) => {
      server.timeout = SHORT_MS;
    },
  }),
  requestCase('server.setTimeout with a callback', untilOver, silent, {
    configure: ({ server, log }) => {
      server.setTimeout(SHORT_MS, (socket) => {
        log(`server timeout ${socket.destroyed} ${socket.writable}`);
        socket.end('HTTP/1.1 503 Late\r\n\r\n');
      });
    },
  }),
  requestCase('a listener of timeout on the server', untilOver, silent, {
    configure: ({ server, log }) => {
      server.timeout = SHORT_MS;
      server.on('timeout', (socket: Socket) => {
        log('server timeout');
        socket.destroy();
      });
    },
  }),
  requestCase(
    'req.setTimeout while the content is missing',
    async (client, { trace }) => {
      await client.send(`${head('POST /', 'Content-Length: 10')}hello`);
      await trace.until('listener');
      await client.over();
    },
    answering((req, _res, expired) => req.setTimeout(SHORT_MS, expired)),
  ),
  requestCase(
    'req.setTimeout on a complete request',
    untilOver,
    answering((req, _res, expired) => req.setTimeout(SHORT_MS, expired)),
  ),
  requestCase(
    'res.setTimeout',
    untilOver,
    answering((_req, res, expired) => res.setTimeout(SHORT_MS, expired)),
  ),
  requestCase('res.setTimeout without a callback', untilOver, (req, res, served) => {
    silent(req, res, served);
    res.setTimeout(SHORT_MS);
  }),
  requestCase('socket.setTimeout with a listener', untilOver, (req, res, served) => {
    silent(req, res, served);
    req.socket.setTimeout(SHORT_MS);
    req.socket.once('timeout', () => served.log('socket timeout'));
  }),
  requestCase(
    'socket.setTimeout with a callback, and one of the server',
    untilOver,
    (req, res, served) => {
      silent(req, res, served);
      req.socket.setTimeout(SHORT_MS, () => {
        served.log(`socket timeout ${req.socket.timeout}`);
        res.end('late');
        req.socket.setTimeout(0);
      });
    },
    {
      configure: ({ server, log }) => server.on('timeout', () => log('server timeout')),
      talk: async (client) => {
        await client.send(last('GET /'));
        await client.over();
      },
    },
  ),
  requestCase(
    'a timeout that is taken back',
    async (client, { trace }) => {
      await client.send(last('GET /'));
      await trace.until('listener');
      await client.over();
    },
    (req, res, served) => {
      silent(req, res, served);
      req.setTimeout(SHORT_MS, () => served.log('req timeout'));
      req.setTimeout(0);
      setTimeout(() => res.end('fine'), 3 * SHORT_MS);
    },
  ),
  requestCase(
    'a timeout does not outlast its request',
    async (client) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(last('GET /2'));
      await client.over();
    },
    (req, res, { log }) => {
      if (req.url === '/1') {
        res.setTimeout(SHORT_MS, () => log('res timeout'));
        res.end('answer');
      } else {
        setTimeout(() => res.end('second'), 3 * SHORT_MS);
      }
    },
  ),
  requestCase(
    'keepAliveTimeout',
    async (client) => {
      await client.send(head('GET /'));
      await client.over();
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      res.end('answer');
    },
    {
      configure: ({ server }) => {
        server.keepAliveTimeout = SHORT_MS;
      },
    },
  ),
  requestCase(
    'keepAliveTimeout with a listener of timeout',
    async (client, { trace }) => {
      await client.send(head('GET /'));
      await client.seen('answer');
      await trace.until('server timeout');
      await client.over();
    },
    (_req, res) => void res.end('answer'),
    {
      configure: ({ server, log }) => {
        server.keepAliveTimeout = SHORT_MS;
        server.on('timeout', (socket: Socket) => {
          log(`server timeout ${socket.writable} ${socket.readable}`);
          socket.end();
        });
      },
    },
  ),
  requestCase(
    'keepAliveTimeout 0',
    async (client) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(head('GET /2'));
      await client.seen('answer', 2);
    },
    (_req, res) => void res.end('answer'),
    {
      configure: ({ server }) => {
        server.keepAliveTimeout = 0;
      },
    },
  ),
  requestCase(
    'keepAliveTimeout in the Keep-Alive field',
    async (client) => {
      await client.send(head('GET /'));
      await client.seen('answer');
    },
    (_req, res) => void res.end('answer'),
    {
      configure: ({ server }) => {
        server.keepAliveTimeout = 12_345;
        server.maxRequestsPerSocket = 7;
      },
    },
  ),
  requestCase(
    'headersTimeout',
    async (client) => {
      await client.send('GET / HTTP/1.1\r\nHost: h\r\nX-A');
      await client.over();
    },
    silent,
    { options: () => ({ headersTimeout: SHORT_MS, requestTimeout: 0, connectionsCheckingInterval: 50 }) },
  ),
  requestCase(
    'headersTimeout with a listener of clientError',
    async (client, { trace }) => {
      await client.send('GET / HTTP/1.1\r\nHost: h\r\nX-A');
      await trace.until('server clientError');
      await client.over();
    },
    silent,
    {
      options: () => ({ headersTimeout: SHORT_MS, requestTimeout: 0, connectionsCheckingInterval: 50 }),
      configure: ({ server, log }) => {
        server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
          log(`server clientError ${error.name} ${error.code} ${error.message} ${socket.writable}`);
          socket.end('HTTP/1.1 408 Own\r\n\r\n');
        });
      },
    },
  ),
  requestCase(
    'headersTimeout of the second request',
    async (client) => {
      await client.send(head('GET /'));
      await client.seen('answer');
      await client.send('GET /2 HTTP/1.1\r\n');
      await client.over();
    },
    (_req, res) => void res.end('answer'),
    { options: () => ({ headersTimeout: SHORT_MS, requestTimeout: 0, connectionsCheckingInterval: 50 }) },
  ),
  requestCase(
    'requestTimeout during the content',
    async (client, { trace }) => {
      await client.send(`${head('POST /', 'Content-Length: 10')}hello`);
      await trace.until('listener');
      await client.over();
    },
    silent,
    { options: () => ({ headersTimeout: 0, requestTimeout: SHORT_MS, connectionsCheckingInterval: 50 }) },
  ),
  requestCase(
    'requestTimeout during the content, when a part of the answer has been sent',
    async (client, { trace }) => {
      await client.send(`${head('POST /', 'Content-Length: 10')}hello`);
      await trace.until('listener');
      await client.over();
    },
    (req, res, served) => {
      silent(req, res, served);
      req.on('data', (chunk) => served.trace.data('req', chunk));
      res.write('part');
    },
    { options: () => ({ headersTimeout: 0, requestTimeout: SHORT_MS, connectionsCheckingInterval: 50 }) },
  ),
  requestCase(
    'requestTimeout does not count the listener’s time',
    async (client) => {
      await client.send(last('GET /'));
      await client.over();
    },
    (_req, res) => void setTimeout(() => res.end('answer'), 3 * SHORT_MS),
    {
      options: () => ({
        headersTimeout: SHORT_MS,
        requestTimeout: SHORT_MS,
        connectionsCheckingInterval: 50,
      }),
    },
  ),
  {
    name: 'headersTimeout of a connection without a request',
    options: () => ({ headersTimeout: SHORT_MS, requestTimeout: SHORT_MS, connectionsCheckingInterval: 50 }),
    serve: ({ server, log }) => {
      server.on('request', () => log('server request'));
    },
    talk: async (client) => {
      await client.over();
    },
  },
  {
    name: 'events of a socket whose timeout expires',
    serve: (served) => {
      watchSockets(served);
      served.server.timeout = SHORT_MS;
      served.server.on('request', (_req, res) => res.write('part'));
    },
    talk: async (client, { trace }) => {
      await client.send(head('GET /'));
      await trace.until('socket close');
    },
  },
];
