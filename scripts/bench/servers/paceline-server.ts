// Paceline embedded in a program, with options of its own: idle connections are kept as long as by the other servers here,
// and 10,000 of them are allowed whatever the default becomes.
// Usage: paceline-server.js THREADS [APP [STRATEGY]]. Prints its address, as the command does.

import type { AddressInfo } from 'node:net';
import { createServer } from '../../../lib/index.js';
import { STRATEGY_DEFAULT, type StrategyName } from '../../../lib/options/strategy.js';
import { appFile } from './apps.js';
import { KEEP_ALIVE_MS } from './handler.js';

const [threads = '4', app = 'handler', strategy = STRATEGY_DEFAULT] = process.argv.slice(2);
const server = createServer({
  app: appFile(app),
  threads: Number(threads),
  strategy: strategy as StrategyName,
  keepAliveTimeout: KEEP_ALIVE_MS,
  maxConnections: 16_384,
});
await server.listen({ host: '127.0.0.1', port: 0 });
const { port } = server.address() as AddressInfo;
console.log(`listening on http://127.0.0.1:${port}`);
