// The app of the scenarios with real requests, as users of Hono write it. Every server that takes an app in the style of fetch
// serves this source; fastify-routes.ts has the same routes for Fastify.

import { Hono } from 'hono';
import { HELLO } from './handler.js';
import { shelfPage } from './page.js';
import { type Order, productOf, receiptOf } from './shop.js';

const app = new Hono();
app.get('/hello', (c) => c.text(HELLO));
app.get('/products/:id', (c) =>
  c.json(productOf(c.req.param('id'), c.req.query('list'), c.req.header('user-agent'))),
);
app.post('/orders', async (c) => c.json(receiptOf(await c.req.json<Order>()), 201));
app.get('/shelves/:id', (c) => c.html(shelfPage(c.req.param('id'), c.req.query('q') ?? '')));

export default app;
