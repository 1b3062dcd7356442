/** Which exports of a module are Node apps, and the limits that their servers get. */
import { createServer, type RequestListener, Server } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeLimits } from '../../../lib/thread/messages.js';
import { closerOf, isMuteListener, nodeServerOf } from '../../../lib/thread/node-apps.js';

const LIMITS: NodeLimits = {
  all: {
    maxHeaderSize: 1000,
    maxRequestsPerSocket: 3,
    headersTimeout: 11,
    requestTimeout: 12,
    keepAliveTimeout: 13,
  },
  changed: { keepAliveTimeout: 13 },
};

const listener: RequestListener = (_, response) => {
  response.end();
};

const limitsOf = (server: unknown) => {
  const { maxRequestsPerSocket, headersTimeout, requestTimeout, keepAliveTimeout } = server as Server;
  return [maxRequestsPerSocket, headersTimeout, requestTimeout, keepAliveTimeout];
};

test('a listener that takes the request alone cannot answer', () => {
  const both = (...parts: unknown[]) => parts;
  for (const value of [listener, both, { length: 1 }, null]) assert.is(isMuteListener(value), false);
  assert.is(
    isMuteListener(async (request: unknown) => request),
    true,
  );
});

test('a function is the listener of a server with all limits', async () => {
  const server = await nodeServerOf(listener, LIMITS);
  assert.instance(server, Server);
  assert.equal((server as Server).listeners('request'), [listener]);
  assert.equal(limitsOf(server), [3, 11, 12, 13]);
  assert.is((server as unknown as { maxHeaderSize: number }).maxHeaderSize, 1000);
});

test('Koa’s object gives its listener', async () => {
  const koa = { use() {}, callback: () => listener };
  assert.equal((await nodeServerOf(koa, LIMITS))!.listeners('request'), [listener]);
});

test('a server that the app has made keeps its limits, but for those that the options change', async () => {
  const own = createServer({ keepAliveTimeout: 1, requestTimeout: 2, headersTimeout: 1 }, listener);
  own.maxRequestsPerSocket = 9;
  assert.is(await nodeServerOf(own, LIMITS), own);
  assert.equal(limitsOf(own), [9, 1, 2, 13]);
  const raw = createRawServer();
  assert.is(await nodeServerOf(raw, LIMITS), raw);
  assert.not('keepAliveTimeout' in raw, 'which a raw server has not');
});

test('Fastify’s and NestJS’s objects are made ready first', async () => {
  const server = createServer(listener);
  const calls: string[] = [];
  const fastify = { server, ready: async () => calls.push('ready') };
  assert.is(await nodeServerOf(fastify, LIMITS), server);
  const nest = { init: async () => calls.push('init'), getHttpServer: () => server };
  assert.is(await nodeServerOf(nest, LIMITS), server);
  assert.equal(calls, ['ready', 'init']);
});

test('only Fastify’s and NestJS’s objects are closed by their own method', () => {
  const server = createServer(listener);
  const close = () => 'closed';
  assert.is(closerOf({ server, ready() {}, close })!.close(), 'closed');
  assert.is(closerOf({ init() {}, getHttpServer: () => server, close })!.close(), 'closed');
  for (const other of [server, listener, Object.assign(() => {}, { close }), { close }, null])
    assert.is(closerOf(other), null);
});

test('what an app throws while it gets ready is thrown', async () => {
  const fails = { server: createServer(), ready: () => Promise.reject(new Error('no database')) };
  await nodeServerOf(fails, LIMITS).then(
    () => assert.unreachable(),
    ({ message }) => assert.is(message, 'no database'),
  );
});

test('anything else is no Node app', async () => {
  const objects = [{ use() {} }, { ready() {}, server: {} }, { init() {} }, { server: createServer() }];
  for (const value of [undefined, null, 42, 'text', {}, ...objects]) {
    assert.is(await nodeServerOf(value, LIMITS), null, String(value));
  }
});

test.run();
