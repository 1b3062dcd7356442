/** The app without a server: a fetch app is a function from a Request to what Paceline makes a Response of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import app from './app.js';

const context = { thread: 0, remoteAddress: '127.0.0.1' };

test('it hashes what it is sent', async () => {
  const request = new Request('http://localhost/hashes', { method: 'POST', body: 'correct horse' });
  const { salt, hash } = await app.fetch(request, context);
  assert.match(salt, /^[0-9a-f]{32}$/);
  assert.match(hash, /^[0-9a-f]{128}$/);
});

test('it knows nothing else', async () => {
  const { status } = await app.fetch(new Request('http://localhost/'), context);
  assert.equal(status, 404);
});
