// fastify-hello.ts as a server file, which calls listen() itself. Prints its address, as paceline does.

import app from './fastify-hello.js';

console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
