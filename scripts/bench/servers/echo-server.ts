// An echo over raw TCP on node:net, in one process or in several of node:cluster. Usage: echo-server.js PROCESSES.

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { inCluster } from './workers.js';

const processes = Number(process.argv[2]);

function listen(listening: (port: number) => void): void {
  const server = createServer({ noDelay: true }, echo);
  server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
}

function echo(socket: Socket): void {
  socket.on('data', (bytes) => socket.write(bytes));
  socket.on('error', () => socket.destroy());
}

if (processes > 1) await inCluster(processes, async () => listen(() => {}));
else listen((port) => console.log(`listening on tcp://127.0.0.1:${port}`));
