import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { portWarning } from '../../../lib/cli/asked-port.js';

const at = (port: number) => ({
  url: `http://127.0.0.1:${port}`,
  address: { address: '127.0.0.1', family: 'IPv4' as const, port },
});

test('a port that was asked for, and on which nothing listens, is named with where the app listens', () => {
  const warning = portWarning('8080', [at(3000), { url: 'unix:/run/a', address: '/run/a' }])!;
  assert.match(warning, /^nothing listens on port 8080.* on http:\/\/127\.0\.0\.1:3000 and unix:\/run\/a;/);
  assert.match(warning, /process\.env\.PORT/);
});

test('there is nothing to say where the port is right, any, or was not asked for', () => {
  assert.is(portWarning('8080', [at(3000), at(8080)]), null);
  assert.is(portWarning('0', [at(3000)]), null);
  assert.is(portWarning(undefined, [at(3000)]), null);
  assert.is(portWarning('', [at(3000)]), null);
});

test.run();
