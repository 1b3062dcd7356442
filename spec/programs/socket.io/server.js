const { createServer } = require('node:http');
const { Server } = require('socket.io');
const { createAdapter } = require('./adapter.js');

const server = createServer((_request, response) => {
  response.end('socket.io program\n');
});
const io = new Server(server, {
  maxHttpBufferSize: 8 * 1024 * 1024,
  adapter: createAdapter(),
  cors: { origin: '*' },
});

io.on('connection', (socket) => {
  socket.on('who am I', (answer) => {
    answer({ name: socket.handshake.query.name, address: socket.handshake.address });
  });
  socket.on('echo', (...values) => {
    const answer = values.pop();
    answer(...values);
  });
  socket.on('join', async (room, joined) => {
    await socket.join(room);
    joined();
  });
  socket.on('leave', async (room, left) => {
    await socket.leave(room);
    left();
  });
  socket.on('say', (room, text) => {
    io.to(room).emit('said', { room, text });
  });
  socket.on('tell others', (text) => {
    socket.broadcast.emit('told', text);
  });
  socket.on('count', async (room, answer) => {
    answer((await io.in(room).fetchSockets()).length);
  });
  socket.on('leave us', () => socket.disconnect(true));
});

io.of('/admin').use((socket, next) => {
  next(socket.handshake.auth.token === 'admin' ? undefined : new Error('not allowed'));
});
io.of('/admin').on('connection', (socket) => {
  socket.on('rights', (answer) => answer(['read', 'write']));
});

server.listen(process.env.PORT || 3000, process.env.HOST);
