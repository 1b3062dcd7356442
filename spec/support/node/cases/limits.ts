/** Bad requests, limits of connections, and several requests in one segment. */
import { type Case, chunked, head, type Listener, last, requestCase, type Served } from '../case.js';

const answer: Listener = (req, res, { log }) => {
  log(`listener ${req.url}`);
  res.end(`answer ${req.url}`);
};

/** The default answer to bytes that are no request, and the error that a listener of clientError gets. */
function bad(name: string, bytes: string, more: Partial<Case> = {}): readonly Case[] {
  const plain = requestCase(`${name}: the default answer`, bytes, answer, more);
  const listened: Case = {
    ...plain,
    name: `${name}: clientError`,
    serve: (served) => {
      plain.serve(served);
      served.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
        served.log(
          `server clientError ${error instanceof Error} ${error.code} ${socket.writable} ${socket.destroyed}`,
        );
        socket.end('HTTP/1.1 400 Own\r\n\r\n');
      });
    },
  };
  return [plain, listened];
}

async function several(served: Served, urls: readonly string[]): Promise<void> {
  const client = served.connect();
  for (const url of urls) {
    await client.send(head(`GET ${url}`));
    await client.seen(`answer ${url}`);
  }
  client.end();
  await client.closed();
}

function pipelined(name: string, bytes: string, listener: Listener = answer, more: Partial<Case> = {}): Case {
  return requestCase(`pipelined: ${name}`, bytes, listener, { order: 'each', ...more });
}

export const LIMITS: readonly Case[] = [
  ...bad('no request line', 'garbage\r\n\r\n'),
  ...bad('a bad version', 'GET / HTTP/9.9\r\nHost: h\r\n\r\n'),
  ...bad('a bad field name', 'GET / HTTP/1.1\r\nHost: h\r\nA B: c\r\n\r\n'),
  ...bad('a bad field value', 'GET / HTTP/1.1\r\nHost: h\r\nA: b\u0000c\r\n\r\n'),
  ...bad('a bad Content-Length', `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: abc\r\n\r\n`),
  ...bad('two lengths', head('POST /', 'Content-Length: 1', 'Content-Length: 2')),
  ...bad('a length and chunks', head('POST /', 'Content-Length: 1', 'Transfer-Encoding: chunked')),
  ...bad('a head that is too large', head('GET /', `X-A: ${'a'.repeat(20_000)}`)),
  ...bad('a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
  ...bad('maxHeaderSize', head('GET /', `X-A: ${'a'.repeat(2000)}`), {
    options: () => ({ maxHeaderSize: 1000 }),
  }),
  requestCase('maxHeaderSize that is large', last('GET /', `X-A: ${'a'.repeat(40_000)}`), answer, {
    options: () => ({ maxHeaderSize: 100_000 }),
  }),
  requestCase(
    'a bad chunk in content that is read',
    async (client, { trace }) => {
      await client.send(`${head('POST /', 'Transfer-Encoding: chunked')}5\r\nhello\r\n`);
      await trace.until('req data hello');
      await client.send('xyz\r\n');
      await client.over();
      await trace.until('req close');
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      req.on('data', (chunk) => trace.data('req', chunk));
    },
  ),
  requestCase(
    'a bad chunk when a part of the answer has been sent',
    async (client, { trace }) => {
      await client.send(`${head('POST /', 'Transfer-Encoding: chunked')}5\r\nhello\r\n`);
      await client.seen('part');
      await client.send('xyz\r\n');
      await client.over();
      await trace.until('req close');
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      req.resume();
      res.write('part');
    },
  ),
  requestCase(
    'a bad second request',
    async (client) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send('bad\r\n\r\n');
      await client.over();
    },
    answer,
  ),
  {
    name: 'clientError: what the error and its socket are',
    serve: ({ server, log }) => {
      server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket) => {
        log(`error ${error.code} packet ${Buffer.isBuffer(error.rawPacket)} ${error.rawPacket?.length}`);
        log(
          `socket ${socket.readable} ${socket.writable} ${(socket as { server?: unknown }).server === server}`,
        );
        socket.destroy();
      });
    },
    talk: async (client) => {
      await client.send('{bad}\r\n\r\n');
      await client.over();
    },
  },
  requestCase(
    'maxRequestsPerSocket',
    async (client) => {
      await client.send(head('GET /1'));
      await client.seen('answer /1');
      await client.send(head('GET /2'));
      await client.seen('answer /2');
      await client.send(head('GET /3'));
      await client.seen('HTTP/1.1 503');
      await client.seen('\r\n0\r\n\r\n');
    },
    answer,
    {
      configure: ({ server }) => {
        server.maxRequestsPerSocket = 2;
      },
    },
  ),
  requestCase(
    'dropRequest',
    async (client, { trace }) => {
      await client.send(head('GET /1') + head('GET /2'));
      await trace.until('server dropRequest');
      await client.seen('\r\n0\r\n\r\n');
    },
    (req, res, served) => {
      served.trace.watch('res', res, ['finish', 'close']);
      answer(req, res, served);
    },
    {
      order: 'each',
      configure: ({ server, log }) => {
        server.maxRequestsPerSocket = 1;
        server.on('dropRequest', (req, socket) => {
          log(`server dropRequest ${req.url} ${socket === req.socket}`);
        });
      },
    },
  ),
  requestCase(
    'maxConnections',
    async (client, served) => {
      await client.send(head('GET /1'));
      await client.seen('answer /1');
      const second = served.connect();
      await second.over();
    },
    answer,
    {
      configure: ({ server, log }) => {
        server.maxConnections = 1;
        server.on('drop', (data) => log(`server drop ${data?.localFamily} ${data?.remoteAddress}`));
      },
    },
  ),
  requestCase(
    'several connections',
    async (_client, served) => {
      await several(served, ['/a', '/b']);
      await several(served, ['/c', '/d']);
    },
    answer,
  ),
  pipelined('three requests', head('GET /1') + head('GET /2') + last('GET /3')),
  pipelined(
    'requests with content',
    `${head('POST /1', 'Content-Length: 5')}hello${head('POST /2', 'Transfer-Encoding: chunked')}${chunked('a', 'b')}${last('GET /3')}`,
    (req, res, { trace }) => {
      req.on('data', (chunk) => trace.data(`req${req.url}`, chunk));
      req.on('end', () => res.end(`answer ${req.url}`));
    },
  ),
  pipelined(
    'answers out of order come in order',
    head('GET /1') + head('GET /2') + last('GET /3'),
    (req, res) => {
      if (req.url === '/1') setTimeout(() => res.end('first'), 50);
      else res.end(`answer ${req.url}`);
    },
  ),
  pipelined('Connection: close in the first', last('GET /1') + head('GET /2')),
  pipelined('an answer with Connection: close', head('GET /1') + head('GET /2'), (req, res) => {
    res.setHeader('Connection', 'close');
    res.end(`answer ${req.url}`);
  }),
  pipelined('HEAD and GET', head('HEAD /1') + last('GET /2')),
  pipelined('a bad request behind a good one', `${head('GET /1')}bad\r\n\r\n`),
  requestCase(
    'pipelined: the client leaves',
    async (client, { trace }) => {
      await client.send(head('GET /1') + head('GET /2'));
      await trace.until('listener /1');
      client.destroy();
      await trace.until('res/1 close');
    },
    (req, res, { trace, log }) => {
      trace.watch(`res${req.url}`, res, ['finish', 'error', 'close']);
      log(`listener ${req.url}`);
    },
    { order: 'each' },
  ),
  pipelined(
    'many requests',
    `${Array.from({ length: 100 }, (_, index) => head(`GET /${index}`)).join('')}${last('GET /last')}`,
    (_req, res) => {
      res.end('answer');
    },
  ),
];
