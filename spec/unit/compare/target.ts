/** Where the load of a server is sent. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { targetOf } from '../../../lib/compare/target.js';

test('an address is taken without the brackets of a URL', () => {
  assert.equal(targetOf('http://127.0.0.1:8080'), { host: '127.0.0.1', port: 8080 });
  assert.equal(targetOf('http://[::1]:8080'), { host: '::1', port: 8080 });
  assert.equal(targetOf('http://127.0.0.2:80'), { host: '127.0.0.2', port: 80 });
});

test('a server that listens on all addresses is asked over loopback', () => {
  assert.equal(targetOf('http://0.0.0.0:8080'), { host: '127.0.0.1', port: 8080 });
  assert.equal(targetOf('http://[::]:8080'), { host: '::1', port: 8080 });
});

test.run();
