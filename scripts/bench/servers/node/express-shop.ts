// The routes of real-app.ts as users of Express write them, and the one of handler.ts that blocks.

import express from 'express';
import { blockFor, HELLO, msOf } from '../handler.js';
import { shelfPage } from '../page.js';
import { type Order, productOf, receiptOf } from '../shop.js';

const app = express();
app.use(express.json());
app.get('/hello', (_request, response) => response.send(HELLO));
app.get('/products/:id', (request, response) =>
  response.json(productOf(request.params.id!, request.query.list, request.get('user-agent'))),
);
app.post('/orders', (request, response) => response.status(201).json(receiptOf(request.body as Order)));
app.get('/shelves/:id', (request, response) =>
  response.send(shelfPage(request.params.id!, request.query.q ?? '')),
);
app.get('/block', (request, response) => response.send(blockFor(msOf(request.query.ms))));

export default app;
