import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`no websocket at ${request.url}\n`);
});

// One server for echoes, which compresses, and one for a chat; both share the port.
const echo = new WebSocketServer({
  noServer: true,
  perMessageDeflate: { threshold: 256 },
  maxPayload: 16 * 1024 * 1024,
});
const chat = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols].at(-1) });

echo.on('connection', (socket, request) => {
  socket.send(
    JSON.stringify({
      url: request.url,
      from: request.socket.remoteAddress,
      agent: request.headers['user-agent'],
    }),
  );
  socket.on('message', (data, isBinary) => {
    if (!isBinary && data.toString() === 'close me') socket.close(4001, 'as you like');
    else if (!isBinary && data.toString() === 'drop me') socket.terminate();
    else socket.send(data, { binary: isBinary });
  });
  socket.on('error', (error) => console.error(error.code));
});

chat.on('connection', (socket) => {
  socket.on('message', (data) => {
    for (const client of chat.clients) if (client.readyState === WebSocket.OPEN) client.send(data.toString());
  });
});

server.on('upgrade', (request, socket, head) => {
  const { pathname } = new URL(request.url, 'ws://localhost');
  const found = { '/echo': echo, '/chat': chat }[pathname];
  if (found === undefined) {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    return;
  }
  found.handleUpgrade(request, socket, head, (client) => found.emit('connection', client, request));
});

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST);
