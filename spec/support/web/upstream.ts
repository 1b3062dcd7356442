/** An upstream whose responses are written byte for byte, on node:net. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface Upstream extends AsyncDisposable {
  readonly url: string;
}

/**
 * Keeps a connection whose response leaves it open (RFC 9112 section 9.3): a client would send its next request into
 * one that was closed without a word.
 *
 * @param answers by path: head and body, as sent
 */
export async function startUpstream(
  answers: Record<string, () => (string | Uint8Array)[]>,
): Promise<Upstream> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (request) => {
      const path = /^\w+ (\S+)/.exec(request.toString('latin1'))?.[1] ?? '';
      const answer = answers[path]?.() ?? [
        'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
      ];
      for (const part of answer) socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
      const head = String(answer[0]);
      if (/\nconnection: *close/i.test(head) || !/\ncontent-length:/i.test(head)) socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** An HTTP/1.1 response of these fields and this body. */
export function answerOf(fields: string[], body: string | Uint8Array): (string | Uint8Array)[] {
  const head = ['HTTP/1.1 200 OK', `content-length: ${Buffer.byteLength(body)}`, ...fields];
  return [`${head.join('\r\n')}\r\n\r\n`, body];
}
