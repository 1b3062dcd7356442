// Threads of node:worker_threads that do nothing: what every thread costs at least. Usage: empty-workers.js COUNT.

import { Worker } from 'node:worker_threads';

const count = Number(process.argv[2]);
const WORK = "require('node:worker_threads').parentPort.on('message', () => {})";

let online = 0;
for (let i = 0; i < count; i += 1) {
  new Worker(WORK, { eval: true }).on('online', () => {
    online += 1;
    if (online === count) console.log('online');
  });
}
