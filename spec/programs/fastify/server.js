import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import websocket from '@fastify/websocket';
import Fastify from 'fastify';

const app = Fastify({ logger: { level: 'warn' } });

await app.register(compress, { threshold: 1024, encodings: ['br', 'gzip', 'identity'] });
await app.register(cookie, { secret: 'only for development' });
await app.register(formbody);
await app.register(multipart, { limits: { fileSize: 32 * 1024 * 1024 } });
await app.register(rateLimit, { global: false });
await app.register(files, { root: new URL('./public/', import.meta.url), prefix: '/public/' });
await app.register(websocket);

app.addHook('onSend', async (_request, reply) => {
  reply.header('x-powered-by', 'Fastify');
});

const item = {
  params: { type: 'object', properties: { id: { type: 'integer', minimum: 1 } } },
  response: {
    200: { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } },
  },
};
app.get('/items/:id', { schema: item }, async ({ params }) => ({
  id: params.id,
  name: `item ${params.id}`,
  secret: 'not in the schema',
}));

app.get('/cookies', async (request, reply) => {
  const { visits } = request.cookies;
  const { valid, value } = visits === undefined ? { valid: true, value: '0' } : request.unsignCookie(visits);
  if (!valid) return reply.code(400).send({ error: 'forged' });
  const now = Number(value) + 1;
  reply.setCookie('visits', String(now), { signed: true, httpOnly: true, path: '/', sameSite: 'lax' });
  return { visits: now };
});

app.post('/form', async ({ body }) => ({ body }));

app.post('/upload', async (request) => {
  const parts = [];
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      const hash = createHash('sha256');
      let size = 0;
      for await (const chunk of part.file) {
        hash.update(chunk);
        size += chunk.length;
      }
      parts.push({ field: part.fieldname, name: part.filename, size, sha256: hash.digest('hex') });
    } else parts.push({ field: part.fieldname, value: part.value });
  }
  return { parts };
});

app.get('/large', async (_request, reply) => {
  reply.type('application/json');
  return JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ index, name: `number ${index}` })));
});

app.get('/stream', (_request, reply) => {
  reply.type('text/plain');
  return reply.send(
    Readable.from(
      (function* () {
        for (let line = 0; line < 5000; line++) yield `line ${line}\n`;
      })(),
    ),
  );
});

app.get('/limited', { config: { rateLimit: { max: 5, timeWindow: '1 minute' } } }, async () => ({
  ok: true,
}));

app.get('/fail', async () => {
  throw Object.assign(new Error('this one fails'), { statusCode: 502 });
});

app.get('/chat', { websocket: true }, (socket, request) => {
  socket.send(`hello ${request.query.name}`);
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
});

await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' });
console.log(`Fastify is listening on ${app.listeningOrigin}`);
