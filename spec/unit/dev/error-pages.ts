/** The pages that answer while there is no version of the app that could, and what becomes of their clients once there is one. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ErrorPages } from '../../../lib/dev/error-pages.js';
import { errorRecord } from '../../../lib/report/error-record.js';
import { bindListener, localAddress, startListening } from '../../../lib/sys/socket.js';

const REQUEST = 'GET /page HTTP/1.1\r\nhost: test\r\n\r\n';

async function open(): Promise<{ pages: ErrorPages; connected: () => Promise<Socket> }> {
  const fd = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  startListening(fd, 16);
  const { port } = localAddress(fd)!;
  const pages = await ErrorPages.open(
    { title: 'the app did not load', error: errorRecord(new Error('broken')) },
    [fd],
  );
  const connected = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  return { pages, connected };
}

/** What a client that sends a request gets until the server ends the connection. */
async function answerTo(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  socket.write(REQUEST);
  await once(socket, 'end');
  return text;
}

test('a connection that was made before the next version starts is sent to it', async () => {
  const { pages, connected } = await open();
  assert.match(await answerTo(await connected()), /^HTTP\/1\.1 500 /);
  const early = await connected();
  // The server accepts in the order of connecting: once this one is answered, the other has been accepted.
  await answerTo(await connected());
  pages.close();
  assert.match(await answerTo(early), /^HTTP\/1\.1 307 (.|\r\n)*\r\nlocation: \/page\r\n/i);
  pages.destroy();
});

test.run();
