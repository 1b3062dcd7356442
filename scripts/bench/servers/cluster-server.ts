// node:cluster, with its default scheduling (round robin, the primary distributes the connections).
// Usage: cluster-server.js PROCESSES. Prints its address once every worker listens.

import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { KEEP_ALIVE_MS, listener } from './handler.js';

if (cluster.isPrimary) {
  const processes = Number(process.argv[2] ?? 2);
  let listening = 0;
  cluster.on('listening', (_worker, { port }) => {
    listening += 1;
    if (listening === processes) console.log(`listening on http://127.0.0.1:${port}`);
  });
  for (let i = 0; i < processes; i += 1) cluster.fork();
} else {
  createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, listener).listen(0, '127.0.0.1');
}
