/**
 * A small shop on Express and SQLite.
 *
 * Queries are synchronous: while one runs, its thread does nothing else. Most take microseconds, `GET /reports/ranking` takes
 * seconds. On one event loop the whole shop is closed for as long; here one thread computes the report and the others sell.
 */
import express from 'express';
import { all, get, inTransaction } from './database.js';

const app = express();
app.use(express.json());

app.get('/products', (request, response) => {
  const { q = '' } = request.query;
  response.json(all('SELECT id, name, cents, stock FROM products WHERE name LIKE ? LIMIT 20', `%${q}%`));
});

app.get('/products/:id', (request, response) => {
  const product = get('SELECT id, name, cents, stock FROM products WHERE id = ?', request.params.id);
  if (product === undefined) response.status(404).json({ error: 'no such product' });
  else response.json(product);
});

app.post('/orders', (request, response) => {
  const { product, quantity } = request.body ?? {};
  if (!Number.isInteger(product) || !Number.isInteger(quantity) || quantity < 1)
    return response.status(400).json({ error: 'product and quantity must be whole numbers' });
  // Stock and order change together, and another thread's order cannot come between.
  const order = inTransaction(() => {
    const taken = get(
      'UPDATE products SET stock = stock - ?2 WHERE id = ?1 AND stock >= ?2 RETURNING cents',
      product,
      quantity,
    );
    if (taken === undefined) return undefined;
    return get(
      'INSERT INTO orders (product, quantity, cents) VALUES (?, ?, ?) RETURNING id, cents',
      product,
      quantity,
      taken.cents * quantity,
    );
  });
  if (order === undefined) response.status(409).json({ error: 'not in stock' });
  else response.status(201).json(order);
});

/** The largest orders, ranked as in many a report that was quick when the table was small: each row counts all larger ones. */
app.get('/reports/ranking', (_request, response) => {
  response.json(
    all(`
      SELECT id, cents, 1 + (SELECT count(*) FROM orders AS other WHERE other.cents > orders.cents) AS rank
      FROM orders ORDER BY rank, id LIMIT 10
    `),
  );
});

export default app;
