// node:http in one process. Prints its address, as paceline does.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEEP_ALIVE_MS, listener } from './handler.js';

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, listener);
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
