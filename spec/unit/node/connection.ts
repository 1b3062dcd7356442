/** A connection that is entered in a thread without a server of its listener: closed, and nothing else happens. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { localBinding } from '../../../lib/local/binding.js';
import { listen } from '../../support/local/serving.js';
import { Client } from '../../support/server/http-client.js';

test('a thread without a server of the listener closes the connection', async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  process.on('uncaughtException', note);
  const binding = localBinding();
  // No server is attached to it.
  const { listener, port } = listen(binding);
  for (const bytes of ['', 'GET / HTTP/1.1\r\nhost: test\r\n\r\n']) {
    const client = await Client.connect({ port, host: '127.0.0.1' });
    if (bytes !== '') await client.send(bytes);
    else client.end();
    assert.is((await client.rest()).length, 0);
    await client.close();
  }
  assert.is(binding.connections(listener.index), 0);
  binding.close(listener.index);
  process.off('uncaughtException', note);
  assert.equal(uncaught, []);
});

test.run();
