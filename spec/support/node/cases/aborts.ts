/** Clients that leave, listeners that fail or end the connection, answers that come before the content. */
import { EventEmitter } from 'node:events';
import { type Case, chunked, head, type Listener, last, type More, requestCase, type Talk } from '../case.js';
import { attempt } from '../trace.js';

type Leave = 'destroy' | 'reset' | 'end';

/** Sends `bytes`, waits until `line` has been logged, leaves, and waits for `then`. */
function leaving(how: Leave, bytes: string, line: string, then: string): Talk {
  return async (client, { trace }) => {
    await client.send(bytes);
    await trace.until(line);
    client[how]();
    await trace.until(then);
  };
}

/** Logs all, reads the content, and answers when it has come, or never. */
function reading(answers: boolean): Listener {
  return (req, res, { trace }) => {
    trace.flags(req, res);
    req.on('data', (chunk) => trace.data('req', chunk));
    if (answers) req.on('end', () => res.end('answer'));
  };
}

const waiting: Listener = (req, res, { trace, log }) => {
  trace.flags(req, res);
  log('listener');
};

/** Has sent a part of its answer when the client leaves. */
const answering: Listener = (req, res, { trace, log }) => {
  trace.flags(req, res);
  res.write('part', () => log('written'));
};

/** A listener of `close` that shows what the two can still do. */
const writingLate: Listener = (req, res, { trace, log }) => {
  trace.flags(req, res);
  log('listener');
  res.on('close', () => {
    log(attempt(() => res.setHeader('X-A', '1')));
    log(attempt(() => res.write('late', (error) => log(`late write ${error?.name} ${error?.message}`))));
    log(attempt(() => res.end('late')));
    log(`late ${res.writableEnded} ${res.writableFinished} ${req.destroyed} ${res.socket === null}`);
  });
};

const UPLOAD = head('POST /', 'Content-Length: 10');

/** The client leaves at a stage, in one of three ways. */
function stages(how: Leave): readonly Case[] {
  const name = `the client leaves with ${how}`;
  return [
    requestCase(`${name}: before the answer`, leaving(how, head('GET /'), 'listener', 'res close'), waiting),
    requestCase(
      `${name}: during the content`,
      leaving(how, `${UPLOAD}hello`, 'req data hello', 'req close'),
      reading(true),
    ),
    requestCase(
      `${name}: during chunks`,
      leaving(
        how,
        `${head('POST /', 'Transfer-Encoding: chunked')}5\r\nhello\r\n3\r\na`,
        'req data helloa',
        'req close',
      ),
      reading(true),
    ),
    requestCase(
      `${name}: during content that is not read`,
      leaving(how, `${UPLOAD}hello`, 'listener', 'res close'),
      waiting,
    ),
    requestCase(
      `${name}: after the content`,
      leaving(how, `${UPLOAD}helloworld`, 'req end', 'res close'),
      reading(false),
    ),
    requestCase(`${name}: during the answer`, leaving(how, head('GET /'), 'written', 'res close'), answering),
    requestCase(
      `${name}: and the listener goes on writing`,
      leaving(how, head('GET /'), 'listener', 'late '),
      writingLate,
    ),
    {
      name: `${name}: during the head`,
      serve: ({ server, trace }) => {
        server.on('request', () => trace.log('server request'));
        server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
          // Whether libuv reports a reset behind unread bytes as such, or as an end, depends on when they come.
          const detail = how === 'reset' ? '' : ` ${error.code} ${socket.writable} ${socket.destroyed}`;
          trace.log(`server clientError${detail}`);
          socket.destroy();
        });
        server.on('connection', (socket) => {
          trace.log('server connection');
          socket.on('close', () => trace.log('socket close'));
        });
      },
      talk: async (client, { trace }) => {
        await trace.until('server connection');
        await client.send('GET / HTTP/1.1\r\nHost');
        client[how]();
        await trace.until('socket close');
      },
    },
  ];
}

/** The listener ends the connection in the middle of a request, or throws. */
function failing(name: string, listener: Listener, more: More & { readonly bytes?: string } = {}): Case {
  const { bytes = head('GET /'), ...rest } = more;
  return requestCase(
    name,
    async (client, { trace }) => {
      await client.send(bytes);
      await trace.until('over');
      await client.over();
    },
    async (req, res, served) => {
      served.trace.flags(req, res);
      try {
        return await listener(req, res, served);
      } finally {
        served.log('over');
      }
    },
    rest,
  );
}

/** A listener that throws: the connection stays as it is, so the client leaves. */
function throwing(name: string, bytes: string, line: string, listener: Listener, more: More = {}): Case {
  return requestCase(
    name,
    async (client, { trace }) => {
      await client.send(bytes);
      await trace.until(line);
      client.destroy();
      await trace.until('res close');
    },
    listener,
    more,
  );
}

/** The server takes the setting from here: createServer has no option of it. */
const CAPTURING: More = {
  options: () => {
    EventEmitter.captureRejections = true;
    return {};
  },
  configure: () => {
    EventEmitter.captureRejections = false;
  },
};

/** A listener throws, and the connection serves the next request once the program has answered. */
const answeredAfterwards: Case = {
  name: 'a listener throws, and its answer is sent from elsewhere',
  order: 'each',
  serve: ({ server, trace, log }) => {
    const answers = new EventEmitter();
    process.prependOnceListener('uncaughtException', () => setImmediate(() => answers.emit('answer')));
    server.on('request', (req, res) => {
      trace.ends(req, res);
      if (req.url === '/2') {
        res.end('second');
        return;
      }
      answers.on('answer', () => {
        log('answering');
        res.end('first');
      });
      throw new Error('first');
    });
  },
  talk: async (client) => {
    await client.send(head('GET /1'));
    await client.seen('first');
    await client.send(head('GET /2'));
    await client.seen('second');
  },
};

export const ABORTS: readonly Case[] = [
  ...stages('destroy'),
  ...stages('reset'),
  ...stages('end'),
  requestCase(
    'the client has gone, and nobody listens for errors',
    leaving('destroy', `${UPLOAD}hello`, 'listener', 'res close'),
    (req, res, { trace, log }) => {
      trace.watch('req', req, ['aborted', 'end', 'close']);
      trace.watch('res', res, ['finish', 'close']);
      log('listener');
    },
  ),
  requestCase(
    'a client that ends its half gets its answer, where the server allows it',
    async (client, { trace }) => {
      await client.send(head('GET /'));
      await trace.until('listener');
      client.end();
      await client.over();
    },
    (req, res, { trace, log, server }) => {
      Object.assign(server, { httpAllowHalfOpen: true });
      trace.flags(req, res);
      log('listener');
      req.on('end', () => res.end('answer'));
      req.resume();
    },
  ),
  requestCase(
    'a client that ends its half with its request',
    async (client) => {
      client.socket.end(last('GET /'), 'latin1');
      await client.over();
    },
    (_req, res) => {
      res.end('answer');
    },
  ),
  failing('res.destroy()', (_req, res) => void res.destroy()),
  failing('res.destroy(error)', (_req, res) => void res.destroy(new Error('own'))),
  failing('req.destroy()', (req) => void req.destroy()),
  failing('req.destroy(error)', (req) => void req.destroy(new Error('own'))),
  failing('req.socket.destroy()', (req) => void req.socket.destroy()),
  failing('res.socket.destroy(error)', (_req, res) => void res.socket!.destroy(new Error('own'))),
  failing('req.socket.end()', (req) => void req.socket.end()),
  failing('req.socket.end(bytes)', (req) => void req.socket.end('HTTP/1.1 200 OK\r\n\r\nown')),
  failing('req.socket.destroySoon()', (req) => req.socket.destroySoon()),
  failing('req.socket.resetAndDestroy()', (req) => void req.socket.resetAndDestroy()),
  failing('res.destroy() after a write', (_req, res) => {
    res.write('part');
    setImmediate(() => res.destroy());
  }),
  failing('res.destroy(error) after a flushed write', async (_req, res) => {
    await new Promise((resolve) => res.write('part', resolve));
    res.destroy(new Error('own'));
  }),
  failing('res.end() and res.destroy()', (_req, res) => {
    res.end('text');
    res.destroy();
  }),
  failing('req.destroy() after the answer', (req, res) => {
    res.end('text');
    res.on('finish', () => req.destroy());
  }),
  failing('req.destroy() in the middle of the content', (req) => void req.on('data', () => req.destroy()), {
    bytes: `${UPLOAD}hello`,
  }),
  failing('writes to a destroyed answer', (_req, res, { log }) => {
    res.destroy();
    log(attempt(() => res.write('a', (error) => log(`res callback ${error?.name} ${error?.message}`))));
    log(attempt(() => res.setHeader('X-A', '1')));
    log(attempt(() => res.end('b', () => log('res end'))));
    log(`res ${res.writableEnded} ${res.headersSent} ${res.writable}`);
  }),
  throwing('a listener throws', head('GET /'), 'process', (req, res, { trace }) => {
    trace.flags(req, res);
    throw new Error('own');
  }),
  throwing(
    'a listener throws when it has answered a part',
    head('GET /'),
    'process',
    (req, res, { trace }) => {
      trace.flags(req, res);
      res.write('part');
      throw new Error('own');
    },
  ),
  throwing('a listener of data throws', `${UPLOAD}hello`, 'process', (req, res, { trace }) => {
    trace.flags(req, res);
    req.on('data', () => {
      throw new Error('own');
    });
  }),
  throwing('a listener of end throws', `${UPLOAD}helloworld`, 'process', (req, res, { trace }) => {
    trace.flags(req, res);
    req.resume().on('end', () => {
      throw new Error('own');
    });
  }),
  throwing('a listener of finish throws', head('GET /'), 'process', (req, res, { trace }) => {
    trace.flags(req, res);
    res.on('finish', () => {
      throw new Error('own');
    });
    res.end('text');
  }),
  throwing('an asynchronous listener rejects', head('GET /'), 'process', async (req, res, { trace }) => {
    trace.flags(req, res);
    throw new Error('own');
  }),
  requestCase(
    'captureRejections answers with 500',
    async (client) => {
      await client.send(last('GET /'));
      await client.over();
    },
    async (req, res, { trace }) => {
      trace.flags(req, res);
      throw new Error('own');
    },
    CAPTURING,
  ),
  requestCase(
    'captureRejections once the head has been sent',
    async (client, { trace }) => {
      await client.send(head('GET /'));
      await trace.until('res close');
      await client.over();
    },
    async (req, res, { trace }) => {
      trace.flags(req, res);
      await new Promise((resolve) => res.write('part', resolve));
      throw new Error('own');
    },
    CAPTURING,
  ),
  answeredAfterwards,
  requestCase(
    'an answer before the content, which comes later',
    async (client) => {
      await client.send(UPLOAD);
      await client.seen('answer');
      await client.send('helloworld');
      await client.send(last('GET /2'));
      await client.over();
    },
    (req, res, { trace, log }) => {
      log(`listener ${req.url}`);
      trace.flags(req, res);
      res.end('answer');
    },
  ),
  requestCase(
    'an answer before chunks, which come later',
    async (client) => {
      await client.send(head('POST /', 'Transfer-Encoding: chunked'));
      await client.seen('answer');
      await client.send(chunked('hello', 'world') + last('GET /2'));
      await client.over();
    },
    (req, res, { trace, log }) => {
      log(`listener ${req.url}`);
      trace.flags(req, res);
      res.end('answer');
    },
  ),
  requestCase(
    'an answer before the content, on a connection that closes',
    async (client, { trace }) => {
      await client.send(`${last('POST /', 'Content-Length: 10')}hello`);
      await trace.until('res close');
      await client.over();
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      res.end('answer');
    },
  ),
  requestCase(
    'an answer before the content, and the client leaves',
    async (client, { trace }) => {
      await client.send(UPLOAD);
      await client.seen('answer');
      await trace.until('res close');
      client.destroy();
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      res.end('answer');
    },
  ),
  requestCase(
    'an answer in the middle of content that is read',
    async (client, { trace }) => {
      await client.send(`${UPLOAD}hello`);
      await client.seen('answer');
      await client.send('world');
      await trace.until('req end');
      await client.send(last('GET /2'));
      await client.over();
    },
    (req, res, { trace }) => {
      trace.flags(req, res);
      req.on('data', (chunk) => trace.data('req', chunk));
      if (req.method === 'GET') res.end('second');
      else req.once('data', () => res.end('answer'));
    },
  ),
];
