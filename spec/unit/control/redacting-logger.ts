/** Secrets in the queries of requests stay out of the log. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { redactingLogger } from '../../../lib/control/redacting-logger.js';
import type { LogFields, Logger } from '../../../lib/logger.js';

test('the URL of a request is logged without the values of its query, and all else as it is', () => {
  const entries: unknown[] = [];
  const at =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      entries.push([level, message, fields]);
    };
  const logger = redactingLogger({
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
  });
  const error = new Error('/y?token=1');
  logger.error('a handler failed', { error, url: 'http://host/x?token=secret&a' });
  logger.warn('no fields');
  logger.debug('others', { url: undefined, status: 400 });
  assert.equal(entries, [
    ['error', 'a handler failed', { error, url: 'http://host/x?token=*&a' }],
    ['warn', 'no fields', undefined],
    ['debug', 'others', { url: undefined, status: 400 }],
  ]);
});

test.run();
