/** What a listener writes as its answer, and the bytes that come of it. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Case, head, type Listener, last, type More, requestCase } from '../case.js';
import { attempt } from '../trace.js';

/** A GET whose connection closes afterwards. */
function get(name: string, listener: Listener, more?: More): Case {
  return requestCase(name, last('GET /'), listener, more);
}

/** The same with the method HEAD. */
function headOnly(name: string, listener: Listener): Case {
  return requestCase(name, last('HEAD /'), listener);
}

/** The same on a connection that goes on: the bytes of an answer must not reach the next one. */
function twice(name: string, method: string, listener: Listener, more?: More): Case {
  return requestCase(
    name,
    async (client, { trace }) => {
      await client.send(head(`${method} /1`));
      await trace.until('res close');
      await client.send(last(`${method} /2`));
      await client.over();
    },
    (req, res, served) => {
      served.trace.watch('res', res, ['finish', 'close']);
      return listener(req, res, served);
    },
    more,
  );
}

function lines(res: ServerResponse): string {
  return JSON.stringify([res.getHeaders(), res.getHeaderNames()]);
}

function state(res: ServerResponse): string {
  const { statusCode, statusMessage, headersSent, sendDate, finished, writableEnded, shouldKeepAlive } = res;
  return [
    ...[statusCode, statusMessage, headersSent, sendDate, finished, writableEnded, shouldKeepAlive],
    ...[res.writable, res.writableFinished, res.writableObjectMode, res.writableHighWaterMark, res.destroyed],
    ...[res.chunkedEncoding, res.useChunkedEncodingByDefault, res.writableNeedDrain, res.writableCorked],
  ].join(' ');
}

/** A program's own method that only some versions of Node have, or none. */
function has(res: object, name: string): boolean {
  return typeof (res as Record<string, unknown>)[name] === 'function';
}

const BIG = 'z'.repeat(1_000_000);

export const ANSWERS: readonly Case[] = [
  get('end with a string', (_req, res) => res.end('text')),
  get('end with a buffer', (_req, res) => res.end(Buffer.from([0, 128, 255]))),
  get('end without anything', (_req, res) => res.end()),
  get('end with an empty string', (_req, res) => res.end('')),
  get('writeHead with an object', (_req, res) =>
    res.writeHead(201, { 'X-A': '1', 'x-b': ['2', '3'] }).end('text'),
  ),
  get('writeHead with a message', (_req, res) =>
    res.writeHead(200, 'Fine', { 'Content-Length': 4 }).end('text'),
  ),
  get('writeHead with a list', (_req, res) => {
    res.writeHead(200, ['X-A', '1', 'X-A', '2', 'Set-Cookie', 'a']).end('text');
  }),
  get('writeHead with a list after setHeader', (_req, res) => {
    res.setHeader('X-A', '0');
    res.writeHead(200, ['X-A', '1', 'X-B', '2']).end('text');
  }),
  get('writeHead merges with setHeader', (_req, res) => {
    res.setHeader('X-A', '1');
    res.setHeader('X-B', '2');
    res.writeHead(404, { 'x-b': '3', 'X-C': '4' }).end('text');
  }),
  get('writeHead twice', (_req, res, { log }) => {
    res.writeHead(200);
    log(attempt(() => res.writeHead(201)));
    res.end();
  }),
  get('writeHead after write', (_req, res, { log }) => {
    res.write('a');
    log(attempt(() => res.writeHead(201)));
    res.end();
  }),
  get('status codes that are none', (_req, res, { log }) => {
    for (const code of [0, 99, 1000, -1, 'abc', undefined]) log(attempt(() => res.writeHead(code as number)));
    res.writeHead(299).end();
  }),
  get('a message with a line break', (_req, res, { log }) => {
    log(attempt(() => res.writeHead(200, 'a\r\nb')));
    res.statusMessage = 'fine';
    log(attempt(() => res.end()));
  }),
  get('statusCode and statusMessage', (_req, res) => {
    res.statusCode = 418;
    res.statusMessage = 'Short and \xe4';
    res.end();
  }),
  get('a status without a message of its own', (_req, res) => {
    res.statusCode = 799;
    res.end('text');
  }),
  get('the methods of headers', (_req, res, { log }) => {
    res.setHeader('X-A', 1 as unknown as string).setHeader('Set-Cookie', ['a', 'b']);
    log(
      `${res.getHeader('x-a')} ${res.hasHeader('X-a')} ${res.hasHeader('x-none')} ${res.getHeader('none')}`,
    );
    res.appendHeader('X-A', '2').appendHeader('X-C', ['3', '4']).appendHeader('set-cookie', 'c');
    log(lines(res));
    res.removeHeader('X-C');
    res.removeHeader('x-none');
    log(lines(res));
    res.end();
  }),
  get('setHeaders', (_req, res, { log }) => {
    log(attempt(() => res.setHeaders(new Map([['X-A', '1']]))));
    log(attempt(() => res.setHeaders(new Headers({ 'X-B': '2' }))));
    log(attempt(() => res.setHeaders({ a: 1 } as unknown as Headers)));
    log(lines(res));
    res.end();
  }),
  get('header fields that are refused', (_req, res, { log }) => {
    const fields: readonly (readonly [unknown, unknown])[] = [
      ...([
        ['a b', '1'],
        ['', '1'],
        [undefined, '1'],
        ['a:', '1'],
        ['X-\u00e4', '1'],
      ] as const),
      ...([
        ['X-A', undefined],
        ['X-A', 'a\nb'],
        ['X-A', 'a\u0000'],
        ['X-A', '\u0100'],
        ['X-A', ['a', '\r']],
      ] as const),
    ];
    for (const [name, value] of fields) log(attempt(() => res.setHeader(name as string, value as string)));
    for (const [name, value] of fields) log(attempt(() => res.appendHeader(name as string, value as string)));
    const headers = { 'X-B': 'a\nb' } as OutgoingHttpHeaders;
    log(attempt(() => res.writeHead(200, headers)));
    res.removeHeader('X-B');
    log(attempt(() => res.end('text')));
  }),
  get('header fields once the head has been sent', (_req, res, { log }) => {
    res.setHeader('X-A', '1');
    res.flushHeaders();
    log(attempt(() => res.setHeader('X-A', '2')));
    log(attempt(() => res.appendHeader('X-A', '2')));
    log(attempt(() => res.removeHeader('X-A')));
    log(attempt(() => res.getHeader('X-A')));
    log(attempt(() => res.flushHeaders()));
    log(attempt(() => res.writeEarlyHints({ link: '</a>; rel=preload' })));
    res.end();
  }),
  get('odd values', (_req, res) => {
    res.setHeader('X-Number', 1.5 as unknown as string);
    res.setHeader('X-Bool', true as unknown as string);
    res.setHeader('X-Null', null as unknown as string);
    res.setHeader('X-Latin', '\xe4\xff');
    res.setHeader('X-Empty', '');
    res.setHeader('X-None', []);
    res.setHeader('x-LIST', ['a', 2 as unknown as string]);
    res.end();
  }),
  get('content with non-ASCII fields in the head', (_req, res) => {
    res.setHeader('X-A', '\xe4');
    res.write('\u20ac');
    res.end('\u00e4', 'latin1');
  }),
  get('cookies', (_req, res) => {
    res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2']);
    res.setHeader('Cookie', ['a', 'b']);
    res.end();
  }),
  get('sendDate false', (_req, res) => {
    res.sendDate = false;
    res.end('text');
  }),
  get('a Date of its own', (_req, res) => {
    res.setHeader('Date', 'yesterday');
    res.end('text');
  }),
  twice('removeHeader of Date', 'GET', (_req, res) => {
    res.removeHeader('Date');
    res.end('text');
  }),
  get('removeHeader of Transfer-Encoding', (_req, res) => {
    res.removeHeader('Transfer-Encoding');
    res.write('a');
    res.end('b');
  }),
  requestCase(
    'removeHeader of Transfer-Encoding on a connection that would go on',
    head('GET /'),
    (_req, res) => {
      res.removeHeader('transfer-encoding');
      res.write('a');
      res.end('b');
    },
  ),
  get('removeHeader of Connection', (_req, res) => {
    res.removeHeader('Connection');
    res.end('text');
  }),
  requestCase(
    'removeHeader of Connection on a connection that goes on',
    async (client) => {
      await client.send(head('GET /'));
      await client.seen('text');
    },
    (_req, res) => {
      res.removeHeader('connection');
      res.end('text');
    },
  ),
  get('removeHeader of Content-Length', (_req, res) => {
    res.removeHeader('Content-Length');
    res.end('text');
  }),
  requestCase('Connection: close in the answer', head('GET /'), (_req, res) => {
    res.setHeader('Connection', 'close');
    res.end('text');
  }),
  requestCase(
    'Connection: keep-alive in the answer',
    last('GET /'),
    (_req, res, { trace }) => {
      trace.watch('res', res, ['finish', 'close']);
      res.setHeader('Connection', 'keep-alive');
      res.end('text');
    },
    {
      talk: async (client) => {
        await client.send(last('GET /'));
        await client.seen('text');
      },
    },
  ),
  requestCase('Connection: upgrade in an answer', head('GET /'), (_req, res) => {
    res.writeHead(426, { Connection: 'upgrade, close', Upgrade: 'h2c' }).end('text');
  }),
  requestCase('shouldKeepAlive false', head('GET /'), (_req, res) => {
    res.shouldKeepAlive = false;
    res.end('text');
  }),
  twice('Keep-Alive of its own', 'GET', (_req, res) => {
    res.setHeader('Keep-Alive', 'timeout=99');
    res.end('text');
  }),
  twice('Transfer-Encoding of its own', 'GET', (_req, res) => {
    res.setHeader('Transfer-Encoding', 'chunked');
    res.end('text');
  }),
  get('a Content-Length that is right', (_req, res) => {
    res.setHeader('Content-Length', 4);
    res.write('te');
    res.end('xt');
  }),
  get('a Content-Length that is too small', (_req, res) => {
    res.setHeader('Content-Length', 2);
    res.write('te');
    res.end('xt');
  }),
  get('a Content-Length that is too large', (_req, res) => {
    res.setHeader('Content-Length', 9);
    res.end('text');
  }),
  get('strictContentLength', (_req, res, { log }) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', 4);
    log(attempt(() => res.write('te')));
    log(attempt(() => res.end('x')));
    log(attempt(() => res.end('xt')));
  }),
  get('strictContentLength of too much', (_req, res, { log }) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', 4);
    log(attempt(() => res.write('text and more')));
    log(attempt(() => res.end()));
    res.destroy();
  }),
  get('chunks of an answer', (_req, res) => {
    res.write('a');
    res.write('bc');
    res.write('');
    res.write(Buffer.from('def'));
    res.write(new Uint8Array([0x67]));
    res.end('h');
  }),
  get('content in encodings', (_req, res) => {
    res.write('e4', 'hex');
    res.write('5OQ=', 'base64');
    res.write('\u00e4', 'latin1');
    res.write('\u00e4', 'utf16le');
    res.write('\u00e4');
    res.end('\u00e4', 'utf8');
  }),
  get('one encoded text', (_req, res) => res.end('e4e4', 'hex')),
  get('content that is none', (_req, res, { log }) => {
    log(attempt(() => res.write(null)));
    log(attempt(() => res.write(undefined)));
    log(attempt(() => res.write(1)));
    log(attempt(() => res.write({})));
    log(attempt(() => res.end(1)));
    log(attempt(() => res.end(null)));
  }),
  get('writes in several turns', (_req, res) => {
    res.write('a');
    setImmediate(() => {
      res.write('b');
      setImmediate(() => res.end('c'));
    });
  }),
  get('many writes', (_req, res) => {
    for (let index = 0; index < 500; index++) res.write(`<${index}>`);
    res.end();
  }),
  get('cork and uncork', (_req, res, { log }) => {
    res.cork();
    res.write('a');
    res.write('b');
    res.uncork();
    res.write('c');
    process.nextTick(() => {
      res.cork();
      log(`corked ${res.writableCorked}`);
      res.write('d');
      setImmediate(() => {
        res.uncork();
        res.end('e');
      });
    });
  }),
  get('callbacks in order', (_req, res, { trace, log }) => {
    trace.watch('res', res, ['prefinish', 'finish', 'close']);
    res.write('a', () => log('res write a'));
    res.write('b', 'latin1', () => log('res write b'));
    process.nextTick(() => log('res tick'));
    res.end('c', () => log('res end'));
    log('res called');
  }),
  get('end with a callback only', (_req, res, { trace, log }) => {
    trace.watch('res', res, ['finish', 'close']);
    res.end(() => log(`res end ${state(res)}`));
  }),
  get('write after end', (_req, res, { trace, log }) => {
    trace.watch('res', res, ['finish', 'error', 'close']);
    res.end('text');
    log(attempt(() => res.write('more', (error) => log(`res callback ${error?.name} ${error?.message}`))));
  }),
  get('end twice', (_req, res, { trace, log }) => {
    trace.watch('res', res, ['finish', 'error', 'close']);
    res.end('text');
    log(attempt(() => res.end()));
    log(
      attempt(() => res.end('more', (error?: Error) => log(`res callback ${error?.name} ${error?.message}`))),
    );
    res.on('close', () => {
      log(attempt(() => res.end((error?: Error) => log(`res late ${error?.name} ${error?.message}`))));
    });
  }),
  get('states of an answer', (_req, res, { log }) => {
    log(`fresh ${state(res)}`);
    res.write('a');
    log(`written ${state(res)}`);
    res.on('finish', () => log(`finish ${state(res)}`));
    res.on('close', () => log(`close ${state(res)}`));
    res.end();
    log(`ended ${state(res)}`);
  }),
  get('flushHeaders, then content in other turns', (_req, res, { log }) => {
    res.setHeader('X-A', '1');
    res.flushHeaders();
    log(`${res.headersSent} ${res.chunkedEncoding}`);
    setImmediate(() => {
      res.write('a');
      setImmediate(() => res.end());
    });
  }),
  requestCase(
    'flushHeaders sends the head before any content',
    async (client, { log }) => {
      await client.send(last('GET /'));
      await client.seen('\r\n\r\n');
      log('seen');
      await client.over();
    },
    async (_req, res, { trace }) => {
      res.writeHead(200, { 'Content-Length': 4 });
      res.flushHeaders();
      await trace.until('seen');
      res.end('text');
    },
  ),
  requestCase(
    'a write is sent before the next one',
    async (client, { log }) => {
      await client.send(last('GET /'));
      await client.seen('first');
      log('seen');
      await client.over();
    },
    async (_req, res, { trace }) => {
      res.write('first');
      await trace.until('seen');
      res.end('second');
    },
  ),
  get('trailers of an answer', (_req, res, { log }) => {
    res.setHeader('Trailer', 'X-T');
    res.write('text');
    res.addTrailers({ 'X-T': '1', 'X-U': '\xe4' });
    log(attempt(() => res.addTrailers({ 'X-T': 'a\nb' })));
    log(attempt(() => res.addTrailers({ 'a b': 'c' })));
    res.addTrailers([['X-V', '2']]);
    res.end();
  }),
  get('trailers without chunks', (_req, res) => {
    res.addTrailers({ 'X-T': '1' });
    res.end('text');
  }),
  get('a Trailer field without chunks', (_req, res, { log }) => {
    res.setHeader('Trailer', 'X-T');
    res.setHeader('Content-Length', 4);
    log(attempt(() => res.end('text')));
    res.removeHeader('Trailer');
    log(attempt(() => res.end('text')));
  }),
  requestCase('trailers in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', (_req, res) => {
    res.write('text');
    res.addTrailers({ 'X-T': '1' });
    res.end();
  }),
  get('interim answers', (_req, res, { log }) => {
    res.writeContinue(() => log('res continue'));
    res.writeProcessing(() => log('res processing'));
    res.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' }, () => log('res hints'));
    res.writeEarlyHints({ link: ['</a>; rel=preload', '</b>; rel=preload'], 'X-A': '1' });
    res.end('text');
  }),
  get('early hints that are none', (_req, res, { log }) => {
    const hints: readonly unknown[] = [{}, { link: [] }, { link: 'bad' }, 'text', { link: 1 }];
    for (const hint of hints) log(attempt(() => res.writeEarlyHints(hint as Record<string, string>)));
    res.end('text');
  }),
  get('writeInformation, where Node has it', (_req, res, { log }) => {
    if (has(res, 'writeInformation')) {
      const informed = res as unknown as { writeInformation(status: number, headers?: object): void };
      log(attempt(() => informed.writeInformation(103, { 'X-A': '1' })));
      log(attempt(() => informed.writeInformation(110)));
      log(attempt(() => informed.writeInformation(101)));
      log(attempt(() => informed.writeInformation(200)));
    }
    res.end('text');
  }),
  headOnly('HEAD with content', (_req, res) => res.end('text')),
  headOnly('HEAD with writes', (_req, res, { log }) => {
    log(attempt(() => res.write('te')));
    res.end('xt');
  }),
  headOnly('HEAD with a length', (_req, res) => res.writeHead(200, { 'Content-Length': 1000 }).end()),
  headOnly('HEAD with flushHeaders', (_req, res) => {
    res.flushHeaders();
    res.end();
  }),
  twice('HEAD on a connection that goes on', 'HEAD', (_req, res) => res.end('text')),
  twice('HEAD with chunks on a connection that goes on', 'HEAD', (_req, res) => {
    res.write('a');
    res.write('b');
    res.end('c');
  }),
  twice('204', 'GET', (_req, res) => res.writeHead(204).end()),
  twice('204 with content', 'GET', (_req, res) => {
    res.statusCode = 204;
    res.write('a');
    res.end('b');
  }),
  twice('304', 'GET', (_req, res) => res.writeHead(304, { ETag: '"a"' }).end('text')),
  twice('304 with a length', 'GET', (_req, res) => res.writeHead(304, { 'Content-Length': 1000 }).end()),
  twice('205', 'GET', (_req, res) => res.writeHead(205).end()),
  get('204 with Transfer-Encoding', (_req, res) =>
    res.writeHead(204, { 'Transfer-Encoding': 'chunked' }).end(),
  ),
  twice('HEAD answered with 304', 'HEAD', (_req, res) => res.writeHead(304).end('text')),
  headOnly('rejectNonStandardBodyWrites is off', (_req, res, { log }) => {
    log(attempt(() => res.write('text')));
    res.end('text');
  }),
  requestCase(
    'rejectNonStandardBodyWrites',
    last('HEAD /'),
    (_req, res, { log }) => {
      log(attempt(() => res.write('text')));
      res.end();
    },
    { options: () => ({ rejectNonStandardBodyWrites: true }) as object },
  ),
  get(
    'uniqueHeaders',
    (_req, res) => {
      res.setHeader('X-A', ['1', '2']);
      res.setHeader('X-B', ['1', '2']);
      res.setHeader('X-C', ['1', '2']);
      res.end();
    },
    { options: () => ({ uniqueHeaders: ['x-a', 'X-B'] }) as object },
  ),
  get('a status of 101', (_req, res) => {
    res.writeHead(101, { Connection: 'close' });
    res.end('text');
  }),
  get('a stream piped into the answer', (_req, res, { trace }) => {
    trace.watch('res', res, ['pipe', 'unpipe', 'finish', 'close']);
    Readable.from(['one', 'two', 'three']).pipe(res);
  }),
  get('a pipeline into the answer', async (_req, res, { trace, log }) => {
    trace.watch('res', res, ['finish', 'close']);
    await pipeline(Readable.from(['one', 'two', 'three']), res);
    log(`piped ${res.writableFinished}`);
  }),
  get('a pipeline whose source fails', async (req, res, { trace, log }) => {
    trace.flags(req, res);
    async function* failing(): AsyncGenerator<string> {
      yield 'one';
      throw new Error('source');
    }
    try {
      await pipeline(failing(), res);
    } catch (error) {
      log(`piped ${(error as Error).message}`);
    }
  }),
  requestCase(
    'a large answer',
    async (client) => {
      await client.send(last('GET /'));
      await client.over();
    },
    (_req, res, { trace }) => {
      trace.watch('res', res, ['finish', 'close']);
      res.end(BIG);
    },
  ),
  requestCase(
    'a large answer to a client that reads late',
    async (client, { trace }) => {
      client.socket.pause();
      await client.send(last('GET /'));
      await trace.until('full');
      client.socket.resume();
      await client.over();
    },
    (_req, res, { log }) => {
      let written = 0;
      res.writeHead(200, { 'Content-Length': 20 * BIG.length });
      const more = (): void => {
        while (written < 20) {
          written++;
          if (!res.write(BIG)) break;
        }
        if (written < 20) {
          if (written === 1) log(`full ${res.writableNeedDrain}`);
          res.once('drain', more);
        } else {
          res.end();
        }
      };
      res.on('finish', () => log('finish'));
      more();
    },
  ),
  get(
    'drain after much',
    (_req, res, { log }) => {
      log(`write ${res.write(BIG)} ${res.writableNeedDrain}`);
      res.on('drain', () => {
        log(`drain ${res.writableNeedDrain}`);
        res.end();
      });
    },
    {
      talk: async (client) => {
        await client.send(last('GET /'));
        await client.over();
      },
    },
  ),
];
