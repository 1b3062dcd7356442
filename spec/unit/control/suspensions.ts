import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Suspensions } from '../../../lib/control/suspensions.js';
import type { Logger } from '../../../lib/logger.js';
import { ACCEPT_SUSPENDED, SUSPENDED_FOR, SUSPENSIONS, threadArea } from '../../../lib/memory/layout.js';
import { EMFILE } from '../../../lib/sys/libc.js';

function suspensionsWithLog() {
  const words = new Int32Array(threadArea(0));
  const lines: string[] = [];
  const at = (level: string) => (message: string, fields?: object) =>
    lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const logger = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') } as Logger;
  return { words, lines, suspensions: new Suspensions(words, logger) };
}

test('a server at its limit logs so once, however often it is suspended, and once that it is over', () => {
  const { words, lines, suspensions } = suspensionsWithLog();
  // The counter wraps during this.
  words[SUSPENSIONS] = 0x7fff_fff0;
  suspensions.check();
  lines.length = 0;
  for (let second = 0; second < 12; second++) suspensions.check();
  lines.length = 0;
  for (let second = 0; second < 100; second++) {
    words[SUSPENSIONS] = (words[SUSPENSIONS]! + 1000) | 0;
    suspensions.check();
  }
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /^warn accepting is suspended .*maxConnections is reached/);
  for (let second = 0; second < 30; second++) suspensions.check();
  assert.is(lines.length, 2);
  assert.match(lines[1]!, /^info accepting is suspended no longer .*"times":100000}/);
});

test('a long suspension is one period, and its reason is logged', () => {
  const { words, lines, suspensions } = suspensionsWithLog();
  words[SUSPENDED_FOR] = EMFILE;
  words[SUSPENSIONS] = 1;
  words[ACCEPT_SUSPENDED] = 7;
  for (let second = 0; second < 100; second++) suspensions.check();
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /EMFILE/);
});

test.run();
