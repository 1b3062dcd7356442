/**
 * A chat over WebSockets: what one visitor says, all of them see.
 *
 * A WebSocket stays in the thread that accepted its upgrade, so each thread knows only some of the visitors. A BroadcastChannel
 * carries what was said to the other threads: it reaches every thread of a process that has opened a channel of that name. On plain
 * Node.js (`node server.js`) there is one thread, and nobody else listens.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel, threadId } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from 'ws';

const MAX_MESSAGE_BYTES = 4096;
/** A client that lets so much wait is too slow, and loses its connection. */
const MAX_WAITING_BYTES = 1024 * 1024;

const page = readFileSync(fileURLToPath(new URL('index.html', import.meta.url)));

const server = createServer((request, response) => {
  if (request.url !== '/') return response.writeHead(404).end('Not found\n');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
});

const visitors = new WebSocketServer({ server, path: '/chat', maxPayload: MAX_MESSAGE_BYTES });
const channel = new BroadcastChannel('chat');

/** Tells the visitors of this thread. */
function tell(message) {
  for (const visitor of visitors.clients) {
    if (visitor.readyState !== WebSocket.OPEN) continue;
    if (visitor.bufferedAmount > MAX_WAITING_BYTES) visitor.terminate();
    else visitor.send(message);
  }
}

visitors.on('connection', (visitor) => {
  visitor.on('message', (data, isBinary) => {
    if (isBinary) return visitor.close(1003, 'text only');
    const message = JSON.stringify({ text: data.toString(), thread: threadId });
    tell(message);
    channel.postMessage(message);
  });
  // ws closes the connection after an error, such as a message that is too long.
  visitor.on('error', () => {});
});

channel.onmessage = ({ data }) => tell(data);

server.listen(process.env.PORT ?? 3000);
