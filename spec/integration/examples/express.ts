import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Example, type RunningExample, testOf } from '../../support/examples/example.js';
import { range } from '../../support/server/wait.js';

const express = await Example.install('express');
const check = testOf(express);
const THREADS = 4;
const VISITS = 20;
const BUYERS = 8;
/** In stock of each product at the start. */
const STOCK = 100;

interface Product {
  readonly id: number;
  readonly name: string;
  readonly cents: number;
  readonly stock: number;
}

const json = async <T>(running: RunningExample, path: string): Promise<T> =>
  (await fetch(running.url + path)).json() as Promise<T>;

const order = (running: RunningExample, body: object): Promise<Response> =>
  fetch(`${running.url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

// The file that listens, and the app itself.
for (const module of ['server.js', 'app.js']) {
  check(`${module} sells products`, async () => {
    await using running = await express!.start(module, THREADS);
    const found = await json<Product[]>(running, '/products?q=uct%2049');
    assert.equal(
      found.map(({ name }) => name),
      ['Product 49', ...range(9).map((digit) => `Product 49${digit}`), 'Product 499'],
    );
    const product = await json<Product>(running, '/products/7');
    assert.is(product.stock, STOCK);
    const response = await order(running, { product: 7, quantity: 3 });
    assert.is(response.status, 201);
    assert.is(((await response.json()) as { cents: number }).cents, 3 * product.cents);
    assert.is((await json<Product>(running, '/products/7')).stock, STOCK - 3);
    assert.is((await order(running, { product: 7, quantity: 'many' })).status, 400);
    assert.is((await order(running, { product: 7, quantity: STOCK })).status, 409);
    assert.is((await fetch(`${running.url}/products/none`)).status, 404);
    assert.is((await fetch(`${running.url}/nothing`)).status, 404);
  });
}

check(
  'while a report is computed the shop sells, and no thread sells what another one has sold',
  async () => {
    await using running = await express!.start('server.js', THREADS);
    let computing = true;
    const report = json<unknown[]>(running, '/reports/ranking').finally(() => {
      computing = false;
    });
    for (const visit of range(VISITS)) {
      assert.is((await json<Product>(running, `/products/${visit + 1}`)).id, visit + 1);
      assert.is((await order(running, { product: 2, quantity: 1 })).status, 201);
    }
    assert.ok(computing, 'they did not wait for the report');
    assert.is((await report).length, 10);
    const statuses = await Promise.all(
      range(BUYERS).map(async () => {
        const all: number[] = [];
        for (let bought = 0; bought < STOCK / BUYERS; bought++)
          all.push((await order(running, { product: 2, quantity: 1 })).status);
        return all;
      }),
    );
    const sold = statuses.flat().filter((status) => status === 201).length;
    assert.is(sold, STOCK - VISITS);
    assert.is((await json<Product>(running, '/products/2')).stock, 0);
  },
);

test.run();
