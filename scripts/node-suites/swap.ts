/**
 * Loaded by mocha before the tests (`--require`): from then on `createServer` and `Server` of node:http are those of
 * paceline/http for everything that calls them as members of the module, as these tests, supertest, Express and ws do.
 */
import { createRequire } from 'node:module';
import { createServer, Server } from '../../lib/node-http.js';
import { SERVERS } from './report.js';

const http = createRequire(import.meta.url)('node:http') as Record<string, unknown>;
let servers = 0;

http.Server = Server;
http.createServer = (...args: Parameters<typeof createServer>) => {
  servers++;
  return createServer(...args);
};

/** Says at the end how many servers were created here: a run without any has tested node:http. */
export const mochaHooks = {
  afterAll(): void {
    console.log(JSON.stringify([SERVERS, servers]));
  },
};
