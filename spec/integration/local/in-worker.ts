/** A worker of the program serves in its own thread; however it ends, the process goes on, and the worker's port is closed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Program } from '../../support/local/program.js';
import { Client } from '../../support/server/http-client.js';

for (const [path, exit] of [
  ['/close', 'exit 0'],
  ['/exit', 'exit 5'],
  ['/throw', 'error thrown for nobody'],
]) {
  test(`a worker that serves ends by itself: ${path}`, async () => {
    await using program = new Program('in-worker');
    const client = await Client.connect({ port: await program.port(), host: '127.0.0.1' });
    assert.is((await client.get('/')).text, 'hello');
    await client.send(`GET ${path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n`);
    await program.printed(exit!);
    await program.printed('accepts false');
    await program.printed('left open 0');
  });
}

test.run();
