/** The socket of a request and of its answer, and what else reaches a listener: async context, channels, signals. */
import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks';
import * as diagnostics from 'node:diagnostics_channel';
import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex, finished } from 'node:stream';
import { type Case, head, last, requestCase, type Served } from '../case.js';
import { attempt, describe, flagsOf } from '../trace.js';

function facts(socket: Socket): string {
  const { destroyed, readable, writable, connecting, pending, readyState, allowHalfOpen, timeout } = socket;
  return [
    ...[
      socket instanceof Socket,
      socket instanceof Duplex,
      destroyed,
      readable,
      writable,
      connecting,
      pending,
    ],
    ...[
      readyState,
      allowHalfOpen,
      timeout,
      socket.writableEnded,
      socket.writableFinished,
      socket.readableEnded,
    ],
    ...[socket.errored, socket.closed, (socket as { encrypted?: boolean }).encrypted],
    ...[socket.readableHighWaterMark, socket.writableHighWaterMark],
  ].join(' ');
}

function addresses(socket: Socket, port: number): string {
  const {
    address,
    family,
    port: local,
  } = socket.address() as { address: string; family: string; port: number };
  return [
    ...[socket.remoteAddress, socket.remoteFamily, socket.remotePort === port, socket.localAddress],
    ...[socket.localFamily, socket.localPort === local, address, family, typeof socket.remotePort],
  ].join(' ');
}

const storage = new AsyncLocalStorage<string>();

/** What publishes on `name` during the case about requests of `server`. */
function subscribe(name: string, { server, log }: Served): void {
  const listener = (message: unknown): void => {
    const {
      request,
      response,
      socket,
      server: of,
    } = message as {
      request: IncomingMessage;
      response: ServerResponse;
      socket?: Socket;
      server?: unknown;
    };
    if (of !== undefined && of !== server) return;
    log(`channel ${name} ${Object.keys(message as object).join(' ')}`);
    log(
      `channel ${request.url} ${response.req === request} ${socket === undefined || socket === request.socket}`,
    );
    log(`channel ${flagsOf(request, response)}`);
  };
  diagnostics.subscribe(name, listener);
  server.on('close', () => diagnostics.unsubscribe(name, listener));
}

export const SOCKETS: readonly Case[] = [
  requestCase('properties of a socket', last('GET /'), (req, res, { log, server }) => {
    log(facts(req.socket));
    log(`${res.socket === req.socket} ${res.connection === req.socket} ${req.connection === req.socket}`);
    log(`server ${(req.socket as unknown as { server: unknown }).server === server}`);
    res.end('text');
  }),
  requestCase(
    'addresses of a socket',
    async (client, { trace, log }) => {
      await client.send(last('GET /'));
      await trace.until('listener');
      log(`client ${client.socket.localPort}`);
      await client.over();
    },
    async (req, res, { trace, log }) => {
      log('listener');
      await trace.until('client');
      const line = trace.lines.pop()!;
      log(addresses(req.socket, Number(line.split(' ')[1])));
      res.end();
    },
  ),
  requestCase('methods of a socket', last('GET /'), (req, res, { log }) => {
    const { socket } = req;
    log(`setNoDelay ${socket.setNoDelay() === socket} ${socket.setNoDelay(false) === socket}`);
    log(`setKeepAlive ${socket.setKeepAlive(true, 1000) === socket}`);
    log(`ref ${socket.ref() === socket} ${socket.unref() === socket} ${socket.ref() === socket}`);
    log(`setTimeout ${socket.setTimeout(0) === socket}`);
    log(`bytes ${socket.bytesRead > 0} ${socket.bytesWritten} ${socket.bufferSize}`);
    log(attempt(() => socket.setEncoding('utf8')));
    res.end('text');
  }),
  requestCase(
    'bytes that a socket has counted',
    last('POST /', 'Content-Length: 5').concat('hello'),
    (req, res, { log }) => {
      req.resume().on('end', () => {
        log(`read ${req.socket.bytesRead}`);
        const { socket } = res;
        res.write('text', () => log(`written ${socket!.bytesWritten > 4}`));
        res.end();
      });
    },
  ),
  requestCase(
    'the socket after the answer',
    async (client, { trace }) => {
      await client.send(head('GET /'));
      await trace.until('closed');
    },
    (req, res, { log }) => {
      const { socket } = req;
      res.on('finish', () =>
        log(`finish ${res.socket === null} ${req.socket === socket} ${socket.destroyed}`),
      );
      res.on('close', () =>
        log(`closed ${res.socket === null} ${req.socket === socket} ${socket.destroyed}`),
      );
      res.end();
    },
  ),
  requestCase(
    'what a listener keeps on a socket is there at the next request',
    async (client) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(last('GET /2'));
      await client.over();
    },
    (req, res, { log }) => {
      const own = req.socket as Socket & { count?: number };
      own.count = (own.count ?? 0) + 1;
      log(`count ${own.count}`);
      res.end('answer');
    },
  ),
  requestCase(
    'listeners of a socket’s close',
    async (client, { trace }) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(head('GET /2'));
      await client.seen('answer', 2);
      client.end();
      await trace.until('socket close');
    },
    (req, res, { trace }) => {
      if (req.url === '/1') trace.watch('socket', req.socket, ['end', 'error', 'close']);
      res.end('answer');
    },
  ),
  requestCase(
    'events of a connection',
    async (client, { trace }) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(head('GET /2'));
      await client.seen('answer', 2);
      client.end();
      await trace.until('socket close');
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      res.end('answer');
    },
    {
      configure: ({ server, trace, log }) => {
        server.on('connection', (socket: Socket) => {
          log(`server connection ${facts(socket)}`);
          trace.watch('socket', socket, ['timeout', 'end', 'finish', 'error', 'close']);
        });
      },
    },
  ),
  requestCase('bytes written to the socket itself', last('GET /'), (req, res) => {
    req.socket.write('HTTP/1.1 102 Processing\r\n\r\n');
    res.end('text');
  }),
  requestCase('an answer written to the socket itself', head('GET /'), (_req, res) => {
    res.socket!.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown');
  }),
  requestCase(
    'req.socket.pause and resume',
    `${last('POST /', 'Content-Length: 5')}hello`,
    (req, res, { trace }) => {
      req.socket.pause();
      setImmediate(() => {
        req.socket.resume();
        req.on('data', (chunk) => trace.data('req', chunk));
        req.on('end', () => res.end('answer'));
      });
    },
  ),
  requestCase(
    'stream.finished of both',
    `${last('POST /', 'Content-Length: 5')}hello`,
    (req, res, { log }) => {
      finished(req, (error) => log(`req finished ${error?.message}`));
      finished(res, (error) => log(`res finished ${error?.message}`));
      req.resume();
      res.end('answer');
    },
  ),
  requestCase(
    'stream.finished when the client leaves',
    async (client, { trace }) => {
      await client.send(`${head('POST /', 'Content-Length: 10')}hello`);
      await trace.until('listener');
      client.destroy();
      await trace.until('res finished');
      await trace.until('req finished');
    },
    (req, res, { log }) => {
      finished(req, (error) => log(`req finished ${describe(error)}`));
      finished(res, (error) => log(`res finished ${describe(error)}`));
      log('listener');
    },
  ),
  requestCase(
    'stream.finished of an answer whose client leaves',
    async (client, { trace }) => {
      await client.send(head('GET /'));
      await client.seen('part');
      client.destroy();
      await trace.until('res finished');
    },
    (_req, res, { log }) => {
      finished(res, (error) => log(`res finished ${describe(error)}`));
      res.write('part');
    },
  ),
  requestCase(
    'an AbortController of the answer',
    async (client, { trace }) => {
      await client.send(head('GET /'));
      await trace.until('listener');
      client.destroy();
      await trace.until('signal');
    },
    (req, res, { log }) => {
      const controller = new AbortController();
      res.on('close', () => {
        if (!res.writableFinished) controller.abort(new Error('gone'));
      });
      controller.signal.addEventListener('abort', () => {
        log(`signal ${(controller.signal.reason as Error).message} ${flagsOf(req, res)}`);
      });
      log('listener');
    },
  ),
  requestCase(
    'async context in each callback',
    async (client, { trace }) => {
      await client.send(head('POST /1', 'Content-Length: 5'));
      await trace.until('outside');
      await client.send('hello');
      await client.seen('answer');
      await client.send(last('POST /2', 'Content-Length: 5'));
      await trace.until('outside', 2);
      await client.send('hello');
      await client.over();
    },
    (req, res, { log }) => {
      log(`outside ${storage.getStore()}`);
      storage.run(`of ${req.url}`, () => {
        req.on('data', () => log(`data ${storage.getStore()}`));
        req.on('end', () => {
          log(`end ${storage.getStore()}`);
          res.write('a', () => log(`write ${storage.getStore()}`));
          setImmediate(() => {
            log(`immediate ${storage.getStore()}`);
            res.end('answer', () => log(`ended ${storage.getStore()}`));
          });
        });
        req.on('close', () => log(`req close ${storage.getStore()}`));
        res.on('finish', () => log(`finish ${storage.getStore()}`));
        res.on('close', () => log(`close ${storage.getStore()}`));
      });
    },
  ),
  requestCase('async context entered by a listener', last('GET /'), (req, res, { log }) => {
    storage.enterWith('entered');
    process.nextTick(() => log(`tick ${storage.getStore()}`));
    Promise.resolve().then(() => log(`then ${storage.getStore()}`));
    res.on(
      'close',
      AsyncResource.bind(() => log(`close ${storage.getStore()}`)),
    );
    log(`id ${executionAsyncId() > 0} ${req.url}`);
    res.end();
  }),
  requestCase(
    'async context of a listener does not reach the next request',
    async (client) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(last('GET /2'));
      await client.over();
    },
    (req, res, { log }) => {
      log(`${req.url} ${storage.getStore()}`);
      storage.enterWith(`entered ${req.url}`);
      res.end('answer');
    },
  ),
  requestCase(
    'diagnostics channels',
    async (client, { trace }) => {
      await client.send(head('GET /1'));
      await client.seen('answer');
      await client.send(head('POST /2', 'Content-Length: 5'));
      await client.seen('answer', 2);
      await client.send('hello');
      await trace.until('channel http.server.response.finish', 2);
    },
    (_req, res, { log }) => {
      log('listener');
      res.end('answer');
    },
    {
      configure: (served) => {
        subscribe('http.server.request.start', served);
        subscribe('http.server.response.finish', served);
      },
    },
  ),
  requestCase('ServerResponse is node’s own', last('GET /'), (req, res, { log, http }) => {
    log(`${res instanceof ServerResponse} ${http.ServerResponse === ServerResponse} ${res.constructor.name}`);
    log(`${Object.getPrototypeOf(req) === http.IncomingMessage.prototype}`);
    res.end();
  }),
];
