// The routes of handler.ts's hello and of real-app.ts, as users of Fastify write them.

import type { FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { HELLO } from './handler.js';
import { shelfPage } from './page.js';
import { type Order, productOf, receiptOf } from './shop.js';

export interface FastifyRoute {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

const idOf = ({ params }: FastifyRequest) => (params as { id: string }).id;
const queryOf = ({ query }: FastifyRequest) => query as Record<string, string | undefined>;

/** By the kind of the request. */
export const FASTIFY_ROUTES = {
  hello: {
    method: 'GET',
    url: '/hello',
    handler: (_request, reply) => reply.type('text/plain').send(HELLO),
  },
  'real-get': {
    method: 'GET',
    url: '/products/:id',
    handler: (request, reply) =>
      reply.send(productOf(idOf(request), queryOf(request).list, request.headers['user-agent'])),
  },
  'real-post': {
    method: 'POST',
    url: '/orders',
    handler: (request, reply) => reply.code(201).send(receiptOf(request.body as Order)),
  },
  html: {
    method: 'GET',
    url: '/shelves/:id',
    handler: (request, reply) =>
      reply.type('text/html; charset=UTF-8').send(shelfPage(idOf(request), queryOf(request).q ?? '')),
  },
} as const satisfies Record<string, FastifyRoute>;
