/** What a listener sees of a request's head. */
import type { IncomingMessage } from 'node:http';
import { type Case, head, type Listener, last, requestCase, type Served } from '../case.js';
import { attempt } from '../trace.js';

const echoHead: Listener = (req, res, { log }) => {
  log(`line ${req.method} ${req.url} ${req.httpVersion} ${req.httpVersionMajor} ${req.httpVersionMinor}`);
  log(`raw ${JSON.stringify(req.rawHeaders)}`);
  log(`headers ${JSON.stringify(req.headers)}`);
  log(`distinct ${JSON.stringify(req.headersDistinct)}`);
  res.end();
};

const echoLine: Listener = (req, res, { log }) => {
  log(`line ${req.method} ${req.url} ${req.httpVersion}`);
  res.end('ok');
};

const SEVERAL = [
  'Accept: a',
  'X-A: 1',
  'accept: b',
  'Cookie: a=1',
  'X-a: 2',
  'Cookie: b=2',
  'Set-Cookie: c=1',
];
const SINGLE = [
  ...['Content-Type: a', 'Content-Type: b', 'User-Agent: a', 'User-Agent: b', 'Referer: a', 'Referer: b'],
  ...['Authorization: a', 'Authorization: b', 'If-Modified-Since: a', 'If-Modified-Since: b', 'From: a'],
  ...['Max-Forwards: 1', 'Max-Forwards: 2', 'ETag: a', 'ETag: b', 'Age: 1', 'Age: 2', 'From: b'],
  ...['Expires: a', 'Expires: b', 'Location: a', 'Location: b', 'Server: a', 'Server: b', 'Retry-After: 1'],
  ...['Last-Modified: a', 'Last-Modified: b', 'Proxy-Authorization: a', 'Proxy-Authorization: b'],
];
const LISTS = [
  ...[
    'Accept-Language: a',
    'Accept-Language: b',
    'Via: a',
    'Via: b',
    'X-Forwarded-For: a',
    'Set-Cookie: d=2',
  ],
  ...['Set-Cookie: c=1', 'X-Forwarded-For: b', 'Date: a', 'Date: b', 'Origin: a', 'Origin: b', 'Range: a'],
  ...['Sec-WebSocket-Protocol: a', 'Sec-WebSocket-Protocol: b', 'Vary: a', 'Vary: b', 'Range: b'],
];
const MANY = Array.from({ length: 100 }, (_, index) => `X-${index}: ${'v'.repeat(index)}`);

/** One request for each start of a request line, one after the other on one connection. */
function lines(name: string, starts: readonly string[]): Case {
  return requestCase(
    name,
    async (client) => {
      let answers = 0;
      for (const start of starts) {
        await client.send(head(start));
        await client.seen('HTTP/1.1 200', ++answers);
      }
    },
    echoLine,
  );
}

function facts(req: IncomingMessage, { http }: Served): readonly unknown[] {
  return [
    ...[
      req instanceof http.IncomingMessage,
      req.connection === req.socket,
      req.statusCode,
      req.statusMessage,
    ],
    ...[req.complete, req.aborted, req.readable, req.readableFlowing, req.readableEnded, req.readableLength],
    ...[req.readableHighWaterMark, req.readableEncoding, req.readableObjectMode, req.destroyed, req.closed],
    ...[req.errored, req.readableAborted, req.readableDidRead, JSON.stringify(req.trailers)],
    ...[JSON.stringify(req.rawTrailers), JSON.stringify(req.trailersDistinct), req.constructor.name],
  ];
}

export const HEADS: readonly Case[] = [
  requestCase('a plain head', last('GET /a?b=c', 'X-A: 1'), echoHead),
  requestCase('a head without any field but Host', last('GET /'), echoHead),
  requestCase('fields given several times are joined', last('GET /', ...SEVERAL), echoHead),
  requestCase('fields that are single keep the first value', last('GET /', ...SINGLE), echoHead),
  requestCase('fields that are lists', last('GET /', ...LISTS), echoHead),
  requestCase(
    'joinDuplicateHeaders joins the single ones, too',
    last('GET /', ...SINGLE, ...LISTS),
    echoHead,
    {
      options: () => ({ joinDuplicateHeaders: true }),
    },
  ),
  requestCase('values are latin1', last('GET /', 'X-A: \xe4\xf6\xfc \xff\x80', 'X-B: \xc3\xa4'), echoHead),
  requestCase(
    'white space around values',
    last('GET /', 'A:1', 'B:   2', 'C: 3   ', 'D:\t4\t', 'E: 5 6\t7', 'F:', 'G: ', 'H:   '),
    echoHead,
  ),
  requestCase(
    'names in any case and form',
    last('GET /', 'ACCEPT: a', 'x-Y-z: 1', "!#$%&'*+-.^_`|~09aZ: token", '1: number', 'content-LENGTH: 0'),
    echoHead,
  ),
  requestCase(
    'names of members of Object',
    last('GET /', '__proto__: a', 'constructor: b', 'hasOwnProperty: c', 'toString: d', 'toString: e'),
    echoHead,
  ),
  requestCase('many fields', last('GET /', ...MANY), echoHead),
  requestCase('maxHeadersCount cuts them', last('GET /', ...MANY), echoHead, {
    configure: ({ server }) => {
      server.maxHeadersCount = 5;
    },
  }),
  requestCase('maxHeadersCount 0 has no limit', last('GET /', ...MANY, ...MANY), echoHead, {
    configure: ({ server }) => {
      server.maxHeadersCount = 0;
    },
  }),
  lines('methods', [
    ...['GET /', 'POST /', 'PUT /', 'DELETE /', 'PATCH /', 'OPTIONS /', 'TRACE /', 'PROPFIND /', 'REPORT /'],
    ...['M-SEARCH /', 'PURGE /', 'LINK /', 'SOURCE /', 'MKCALENDAR /'],
  ]),
  lines('forms of targets', [
    ...['GET /', 'GET //a/b', 'GET /a%20b%zz', 'GET /?', 'GET /a?b?c=d&&', 'GET /;a=b', 'OPTIONS *'],
    ...['GET http://h/a', 'GET http://other:81/a?b', 'GET /!$&\'()*+,;=:@~[]{}|\\^`"<>', 'GET /../a/./b'],
  ]),
  requestCase('a long target', last(`GET /${'a'.repeat(8000)}`), (req, res, { log }) => {
    log(`length ${req.url?.length}`);
    res.end(req.url);
  }),
  requestCase(
    'a head that comes byte by byte',
    async (client) => {
      await client.sendBytewise(last('GET /a', 'X-A: 1', 'X-A: 2'));
      await client.over();
    },
    echoHead,
  ),
  requestCase(
    'empty lines before a head',
    async (client) => {
      await client.send(`\r\n${head('GET /1')}`);
      await client.seen('HTTP/1.1 200');
      await client.send(`\r\n\r\n${last('GET /2')}`);
      await client.over();
    },
    echoLine,
  ),
  requestCase('HTTP/1.0', 'GET / HTTP/1.0\r\nX-A: 1\r\n\r\n', echoHead),
  requestCase(
    'HTTP/1.0 with keep-alive and a length',
    async (client) => {
      await client.send('GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
      await client.seen('ok');
      await client.send('GET /2 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n');
      await client.seen('ok', 2);
      await client.send('GET /3 HTTP/1.0\r\n\r\n');
      await client.over();
    },
    echoLine,
  ),
  requestCase(
    'HTTP/1.0 with keep-alive and content of unknown length',
    'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    (_req, res) => {
      res.write('a');
      res.end('b');
    },
  ),
  requestCase('HTTP/1.0 with TE: chunked', 'GET / HTTP/1.0\r\nTE: chunked\r\n\r\n', (_req, res) => {
    res.write('a');
    res.end('b');
  }),
  requestCase(
    'HTTP/1.0 with TE: chunked and keep-alive',
    async (client) => {
      await client.send('GET / HTTP/1.0\r\nTE: chunked\r\nConnection: keep-alive\r\n\r\n');
      await client.seen('\r\n0\r\n\r\n');
    },
    (_req, res) => {
      res.write('a');
      res.end('b');
    },
  ),
  requestCase('HTTP/1.1 without Host', 'GET / HTTP/1.1\r\n\r\n', echoHead),
  requestCase(
    'HTTP/1.1 without Host, where that is allowed',
    'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
    echoHead,
    { options: () => ({ requireHostHeader: false }) },
  ),
  requestCase('properties of a fresh request', last('GET /'), (req, res, served) => {
    served.log(`req ${facts(req, served).map(String).join(' ')}`);
    served.log(`keys ${Object.keys(req).join(' ')}`);
    res.end();
  }),
  requestCase('headers may be replaced', last('GET /', 'X-A: 1'), (req, res, { log }) => {
    req.headers['x-a'] = '2';
    req.headers['x-b'] = '3';
    delete req.headers.host;
    log(JSON.stringify(req.headers));
    req.headers = { 'x-c': '4' };
    req.url = '/other';
    req.method = 'POST';
    log(JSON.stringify([req.headers, req.url, req.method, req.headersDistinct]));
    res.end();
  }),
  requestCase(
    'classes of the server',
    last('GET /'),
    (req, res, { log, server }) => {
      log(`${req.constructor.name} ${res.constructor.name} ${(req as Own).twice()} ${res.req === req}`);
      log(`server ${(req.socket as unknown as { server: unknown }).server === server}`);
      res.end();
    },
    {
      options: ({ IncomingMessage, ServerResponse }) => ({
        IncomingMessage: class OwnRequest extends IncomingMessage {
          twice(): string {
            return `${this.url}${this.url}`;
          }
        },
        ServerResponse: class OwnResponse<
          R extends IncomingMessage = IncomingMessage,
        > extends ServerResponse<R> {},
      }),
    },
  ),
  {
    ...requestCase('Expect: 100-continue without a listener', '', (req, res, { trace }) => {
      req.on('data', (chunk) => trace.data('req', chunk));
      req.on('end', () => res.end('answer'));
    }),
    talk: async (client) => {
      await client.send(last('POST /', 'Expect: 100-continue', 'Content-Length: 4'));
      await client.seen('100 Continue\r\n\r\n');
      await client.send('body');
      await client.over();
    },
  },
  {
    name: 'checkContinue that continues',
    serve: ({ server, trace, log }) => {
      server.on('request', () => log('server request'));
      server.on('checkContinue', (req, res) => {
        log(`server checkContinue ${req.headers.expect}`);
        res.writeContinue();
        req.on('data', (chunk) => trace.data('req', chunk));
        req.on('end', () => res.end('answer'));
      });
    },
    talk: async (client) => {
      await client.send(last('POST /', 'Expect: 100-Continue', 'Transfer-Encoding: chunked'));
      await client.seen('100 Continue\r\n\r\n');
      await client.send('4\r\nbody\r\n0\r\n\r\n');
      await client.over();
    },
  },
  {
    name: 'checkContinue that refuses closes',
    serve: ({ server, trace }) => {
      server.on('checkContinue', (req, res) => {
        trace.ends(req, res);
        res.writeHead(413);
        res.end('no');
      });
    },
    talk: async (client) => {
      await client.send(head('POST /', 'Expect: 100-continue', 'Content-Length: 4'));
      await client.over();
    },
  },
  requestCase('an unknown expectation', last('GET /', 'Expect: magic'), echoHead),
  {
    name: 'checkExpectation',
    serve: ({ server, log }) => {
      server.on('checkExpectation', (req, res) => {
        log(`server checkExpectation ${req.headers.expect}`);
        res.end('fine');
      });
    },
    talk: async (client) => {
      await client.send(last('GET /', 'Expect: magic'));
      await client.over();
    },
  },
  requestCase('writeContinue called twice', last('GET /'), (_req, res, { log }) => {
    log(attempt(() => res.writeContinue()));
    log(attempt(() => res.writeContinue()));
    res.end('x');
  }),
];

interface Own extends IncomingMessage {
  twice(): string;
}
