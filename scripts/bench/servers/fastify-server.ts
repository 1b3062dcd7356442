// Fastify in processes of node:cluster. Usage: fastify-server.js PROCESSES.

import { fastify } from 'fastify';
import { FASTIFY_ROUTES } from './fastify-routes.js';
import { KEEP_ALIVE_MS } from './handler.js';
import { inCluster } from './workers.js';

await inCluster(Number(process.argv[2]), async () => {
  const server = fastify({ keepAliveTimeout: KEEP_ALIVE_MS });
  for (const route of Object.values(FASTIFY_ROUTES)) server.route(route);
  await server.listen({ port: 0, host: '127.0.0.1' });
});
