/** Content of requests, in all ways to read it or not. */
import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Case, chunked, head, type Listener, last, requestCase, type Talk } from '../case.js';
import type { Client } from '../client.js';

const BIG = 'x'.repeat(300_000);

/** Logs the content and its end, then answers. */
const readAll: Listener = (req, res, { trace, log }) => {
  req.on('data', (chunk) => trace.data('req', chunk));
  req.on('end', () => {
    log(
      `req end complete ${req.complete} ${JSON.stringify([req.rawTrailers, req.trailers, req.trailersDistinct])}`,
    );
    res.end('answer');
  });
};

function inPieces(...pieces: readonly string[]): Talk {
  return async (client) => {
    for (const piece of pieces) await client.send(piece);
    await client.over();
  };
}

function bytewise(bytes: string): Talk {
  return async (client) => {
    await client.sendBytewise(bytes);
    await client.over();
  };
}

/** Sends what follows once the listener has logged `line`. */
function after(line: string, first: string, then: string): Talk {
  return async (client, { trace }) => {
    await client.send(first);
    await trace.until(line);
    await client.send(then);
    await client.over();
  };
}

/** Two requests; the second one once the first one's answer has been seen. */
function thenAnother(first: string, then = last('GET /2')): (client: Client) => Promise<void> {
  return async (client) => {
    await client.send(first);
    await client.seen('answer');
    await client.send(then);
    await client.over();
  };
}

class SlowSink extends Writable {
  length = 0;

  constructor() {
    super({ highWaterMark: 1000 });
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.length += chunk.length;
    setImmediate(callback);
  }
}

const TRAILERS = 'X-T: 1\r\nx-t: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nEmpty:\r\n';

async function iterate(req: IncomingMessage): Promise<string> {
  let content = '';
  for await (const chunk of req) content += chunk.toString('latin1');
  return content;
}

export const BODIES: readonly Case[] = [
  requestCase('a length', `${last('POST /', 'Content-Length: 5')}hello`, readAll),
  requestCase('a length of 0', last('POST /', 'Content-Length: 0'), readAll),
  requestCase('no content', last('GET /'), readAll),
  requestCase('content of a GET', `${last('GET /', 'Content-Length: 5')}hello`, readAll),
  requestCase('chunks', last('POST /', 'Transfer-Encoding: chunked') + chunked('hel', 'lo'), readAll),
  requestCase(
    'chunks with extensions',
    `${last('POST /', 'Transfer-Encoding: chunked')}3;a=b\r\nhel\r\n2;c="d"\r\nlo\r\n0;e\r\n\r\n`,
    readAll,
  ),
  requestCase('chunks: none', `${last('POST /', 'Transfer-Encoding: chunked')}0\r\n\r\n`, readAll),
  requestCase('a length, byte by byte', bytewise(`${last('POST /', 'Content-Length: 5')}hello`), readAll),
  requestCase(
    'chunks, byte by byte',
    bytewise(last('POST /', 'Transfer-Encoding: chunked') + chunked('hel', 'lo')),
    readAll,
  ),
  requestCase(
    'trailers',
    `${last('POST /', 'Transfer-Encoding: chunked', 'Trailer: X-T')}5\r\nhello\r\n0\r\n${TRAILERS}\r\n`,
    readAll,
  ),
  requestCase(
    'trailers, byte by byte',
    bytewise(`${last('POST /', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n${TRAILERS}\r\n`),
    readAll,
  ),
  requestCase(
    'content that comes when the head has been seen',
    after('listener', last('POST /', 'Content-Length: 5'), 'hello'),
    (req, res, served) => {
      served.log('listener');
      readAll(req, res, served);
    },
  ),
  requestCase(
    'events and flags of a request with content',
    after('listener', head('POST /', 'Content-Length: 5', 'Connection: close'), 'hello'),
    (req, res, { trace, log }) => {
      trace.flags(req, res);
      log('listener');
      req.on('data', (chunk) => trace.data('req', chunk));
      req.on('end', () => res.end('answer'));
    },
  ),
  requestCase(
    'events and flags of a request without content that is kept alive',
    async (client, { trace }) => {
      await client.send(head('GET /'));
      await client.seen('answer');
      await trace.until('req close');
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      res.end('answer');
    },
  ),
  requestCase(
    'events of a request whose content is read after the answer',
    after('res finish', last('POST /', 'Content-Length: 5'), 'hello'),
    (req, res, { trace }) => {
      trace.flags(req, res);
      req.on('data', (chunk) => trace.data('req', chunk));
      res.end('answer');
    },
  ),
  requestCase('for await', `${last('POST /', 'Content-Length: 5')}hello`, async (req, res, { log }) => {
    log(await iterate(req));
    res.end('answer');
  }),
  requestCase(
    'for await of chunks with pauses',
    async (client, { trace }) => {
      await client.send(last('POST /', 'Transfer-Encoding: chunked'));
      for (const piece of ['one', 'two', 'six']) {
        await client.send(`3\r\n${piece}\r\n`);
        await trace.until(`got ${piece}`);
      }
      await client.send('0\r\n\r\n');
      await client.over();
    },
    async (req, res, { log }) => {
      for await (const chunk of req) log(`got ${chunk}`);
      log('over');
      res.end('answer');
    },
  ),
  requestCase(
    'for await that is left early destroys the request, and leaves the connection open',
    async (client, { trace }) => {
      await client.send(`${head('POST /', 'Content-Length: 10')}hello`);
      await trace.until('req close');
      client.destroy();
    },
    async (req, res, { trace, log }) => {
      trace.flags(req, res);
      for await (const chunk of req) {
        log(`got ${chunk}`);
        break;
      }
      log('left');
    },
  ),
  requestCase(
    'stream/consumers',
    last('POST /', 'Transfer-Encoding: chunked') + chunked('hel', 'lo'),
    async (req, res) => {
      res.end(await text(req));
    },
  ),
  requestCase(
    'a pipe to a slow sink',
    last('POST /', `Content-Length: ${BIG.length}`) + BIG,
    (req, res, { log }) => {
      const sink = new SlowSink();
      req.pipe(sink).on('finish', () => {
        log(`sink ${sink.length} ${req.complete} ${req.readableEnded}`);
        res.end('answer');
      });
    },
  ),
  requestCase(
    'a pipeline of chunks to a slow sink',
    last('POST /', 'Transfer-Encoding: chunked') +
      chunked(...Array.from({ length: 300 }, () => 'y'.repeat(1000))),
    async (req, res, { log }) => {
      const sink = new SlowSink();
      await pipeline(req, sink);
      log(`sink ${sink.length} ${req.complete} ${req.readableEnded} ${req.destroyed}`);
      res.end('answer');
    },
  ),
  requestCase(
    'req.pipe(res)',
    `${last('POST /', 'Content-Length: 5', 'X-A: 1')}hello`,
    (req, res, { trace }) => {
      trace.flags(req, res);
      trace.watch('res', res, ['pipe', 'unpipe']);
      req.pipe(res);
    },
  ),
  requestCase(
    'req.pipe(res) of much',
    async (client) => {
      await client.send(last('POST /', `Content-Length: ${BIG.length}`) + BIG);
      await client.over();
      // Cut into chunks as the network cut it.
      const content = client.received.slice(client.received.indexOf('\r\n\r\n') + 4);
      client.received = String(content.replaceAll(/\r\n|[0-9a-f]+\r\n/g, '').length);
    },
    (req, res) => {
      req.pipe(res);
    },
  ),
  requestCase(
    'pause and resume',
    async (client, { trace }) => {
      await client.send(`${last('POST /', 'Content-Length: 6')}one`);
      await trace.until('resumed');
      await client.send('two');
      await client.over();
    },
    (req, res, { trace, log }) => {
      req.on('data', (chunk) => {
        trace.data('req', chunk);
        if (!req.isPaused() && !req.complete) {
          req.pause();
          setImmediate(() => {
            log(`resumed ${req.isPaused()}`);
            req.resume();
          });
        }
      });
      req.on('end', () => res.end('answer'));
    },
  ),
  requestCase(
    'read late',
    async (client, { trace }) => {
      await client.send(`${last('POST /', 'Content-Length: 5')}hello`);
      await trace.until('reading');
      await client.over();
    },
    (req, res, served) => {
      let turns = 0;
      const wait = (): void => {
        if (++turns < 20) {
          setImmediate(wait);
        } else {
          served.log('reading');
          readAll(req, res, served);
        }
      };
      setImmediate(wait);
    },
  ),
  requestCase(
    'readable and read()',
    `${last('POST /', 'Content-Length: 5')}hello`,
    (req, res, { trace, log }) => {
      req.on('readable', () => {
        for (let chunk = req.read(); chunk !== null; chunk = req.read()) trace.data('req', chunk);
      });
      req.on('end', () => {
        log('req end');
        res.end('answer');
      });
    },
  ),
  requestCase(
    'read(n) and unshift',
    `${last('POST /', 'Content-Length: 6')}abcdef`,
    (req, res, { trace, log }) => {
      let back = false;
      req.on('readable', () => {
        for (let chunk = req.read(2); chunk !== null; chunk = req.read(2)) {
          trace.data('req', chunk);
          if (!back) req.unshift(Buffer.from('XY'));
          back = true;
        }
      });
      req.on('end', () => {
        log('req end');
        res.end('answer');
      });
    },
  ),
  requestCase(
    'setEncoding utf8 with characters cut in two',
    bytewise(`${last('POST /', 'Content-Length: 9')}\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80`),
    (req, res, { trace, log }) => {
      req.setEncoding('utf8');
      req.on('data', (chunk) => trace.data('req', chunk));
      req.on('end', () => {
        log(`req end ${req.readableEncoding}`);
        res.end('answer');
      });
    },
  ),
  requestCase(
    'setEncoding hex',
    inPieces(`${last('POST /', 'Content-Length: 4')}ab`, 'cd'),
    (req, res, served) => {
      req.setEncoding('hex');
      readAll(req, res, served);
    },
  ),
  requestCase(
    'content that is not read, and another request',
    thenAnother(`${head('POST /', 'Content-Length: 5')}hello`),
    (req, res, { trace, log }) => {
      log(`listener ${req.url}`);
      trace.ends(req, res);
      res.end('answer');
    },
  ),
  requestCase(
    'chunks that are not read, and another request',
    thenAnother(head('POST /', 'Transfer-Encoding: chunked') + chunked('hel', 'lo')),
    (req, res, { log }) => {
      log(`listener ${req.url}`);
      res.end('answer');
    },
  ),
  requestCase(
    'much that is not read, and another request',
    async (client) => {
      await client.send(head('POST /', `Content-Length: ${BIG.length}`) + BIG);
      await client.seen('answer');
      await client.send(last('GET /2'));
      await client.over();
    },
    (req, res, { log }) => {
      log(`listener ${req.url}`);
      setImmediate(() => res.end('answer'));
    },
  ),
  requestCase(
    'content that is read for a part, and another request',
    thenAnother(`${head('POST /', 'Content-Length: 5')}hello`),
    (req, res, { log }) => {
      log(`listener ${req.url}`);
      if (req.method === 'GET') {
        res.end('answer');
        return;
      }
      req.once('readable', () => {
        log(`read ${req.read(2)}`);
        res.end('answer');
        // What is left must be read by somebody, or the next request never comes.
        req.resume();
      });
    },
  ),
  requestCase(
    'three requests with content, one after the other',
    async (client) => {
      for (let index = 1; index <= 3; index++) {
        await client.send(`${head('POST /', 'Content-Length: 5')}hell${index}`);
        await client.seen('answer', index);
      }
    },
    readAll,
  ),
  requestCase(
    'listeners that come when the content is complete',
    `${last('POST /', 'Content-Length: 5')}hello`,
    (req, res, { log }) => {
      const whenComplete = (): void => {
        if (!req.complete) {
          setImmediate(whenComplete);
          return;
        }
        log(`late readable ${req.readable} length ${req.readableLength}`);
        let length = 0;
        req.on('data', (chunk: Buffer) => {
          length += chunk.length;
        });
        req.on('end', () => {
          log(`req end ${length}`);
          res.end('answer');
        });
      };
      setImmediate(whenComplete);
    },
  ),
];
