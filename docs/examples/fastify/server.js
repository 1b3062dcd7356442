/**
 * A password service on Fastify: hashes passwords and checks them.
 *
 * scrypt is slow on purpose: each call takes some tens of milliseconds of CPU. Called synchronously, it blocks its thread and
 * no other. (Its asynchronous form shares libuv's four threads with files and DNS, and the queue in front of them has no limit.)
 */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import Fastify from 'fastify';

const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** The cost: memory and time grow with it. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 };

const password = { type: 'string', minLength: 8, maxLength: 200 };
/** Salt and hash in hexadecimal, as POST /hashes returns them. */
const hash = { type: 'string', pattern: `^[0-9a-f]{${SALT_BYTES * 2}}:[0-9a-f]{${HASH_BYTES * 2}}$` };

const body = (properties) => ({ type: 'object', required: Object.keys(properties), properties });

const fastify = Fastify({ logger: process.env.LOG_LEVEL ? { level: process.env.LOG_LEVEL } : false });

fastify.get('/health', () => ({ ok: true }));

fastify.post('/hashes', { schema: { body: body({ password }) } }, (request, reply) => {
  const salt = randomBytes(SALT_BYTES);
  const key = scryptSync(request.body.password, salt, HASH_BYTES, COST);
  reply.code(201).send({ hash: `${salt.toString('hex')}:${key.toString('hex')}` });
});

fastify.post('/checks', { schema: { body: body({ password, hash }) } }, (request) => {
  const [salt, key] = request.body.hash.split(':').map((part) => Buffer.from(part, 'hex'));
  const matches = timingSafeEqual(key, scryptSync(request.body.password, salt, HASH_BYTES, COST));
  return { matches };
});

await fastify.listen({ port: Number(process.env.PORT ?? 3000) });
