// Fastify's hello world, with the text that all servers here answer.

import { fastify } from 'fastify';
import { HELLO } from '../handler.js';

const app = fastify();
app.get('/hello', (_request, reply) => reply.send(HELLO));

export default app;
