import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adaptLogger } from '../../../lib/control/foreign-loggers.js';
import type { Logger } from '../../../lib/logger.js';
import { recordError } from '../../../lib/report/record-error.js';

const ERROR = recordError({ name: 'DbError', message: 'no database', stack: '    at f (/app/a.js:1:2)' });

test('a pino logger keeps the message, the fields and the error', () => {
  const lines: string[] = [];
  const logger = adaptLogger(pino({ level: 'debug' }, { write: (line) => void lines.push(line) }));
  logger.error('a handler failed', { error: ERROR, url: '/x', thread: 2 });
  logger.debug('plain');
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.equal([first.level, first.msg, first.url, first.thread], [50, 'a handler failed', '/x', 2]);
  assert.equal(first.err, {
    type: 'DbError',
    message: 'no database',
    stack: 'DbError: no database\n    at f (/app/a.js:1:2)',
  });
  assert.equal([second.level, second.msg, second.err], [20, 'plain', undefined]);
});

test("a child of a pino logger, and one with the error's key changed, do as well", () => {
  const lines: string[] = [];
  const parent = pino({ errorKey: 'failure' }, { write: (line) => void lines.push(line) });
  adaptLogger(parent.child({ part: 'server' })).warn('look', { error: ERROR });
  const { part, msg, err } = JSON.parse(lines[0]!);
  assert.equal([part, msg, err.message], ['server', 'look', 'no database']);
});

test('a console prints the message, the fields and the stack', () => {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const logger = adaptLogger(new Console(stream));
  logger.error('100 %s failed', { error: ERROR, url: '/x' });
  logger.info('plain');
  assert.match(text, /^100 %s failed \{ url: '\/x' \} DbError: no database\n {4}at f \(\/app\/a\.js:1:2\)/);
  assert.match(text, /\nplain\n$/);
});

test('a logger of the interface is called as it is', () => {
  const calls: unknown[][] = [];
  const log = (...values: unknown[]) => void calls.push(values);
  const logger: Logger = { error: log, warn: log, info: log, debug: log };
  adaptLogger(logger).error('message', { error: ERROR });
  assert.equal(calls, [['message', { error: ERROR }]]);
});

test.run();
