// Whether a server answers rightly, before anything is measured: a guard against comparing different work.

import { once } from 'node:events';
import { connect } from 'node:net';
import { BROWSER_FIELDS, REQUESTS } from './real-requests.js';
import { HELLO } from './servers/handler.js';
import { shelfPage } from './servers/page.js';
import { type Order, productOf, receiptOf } from './servers/shop.js';
import { ANSWERS_REAL_REQUESTS, type Setup } from './setups.js';

const LIMIT_MS = 2000;

/** Whether the server on a port answers with the bytes that every target must answer with. */
export async function answersRightly(port: number, setup: Setup): Promise<boolean> {
  const expect = async (path: string, status: number, body: string, init: RequestInit = {}) => {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, signal });
    return (await response.text()) === body && response.status === status;
  };
  try {
    if (setup === 'echo') return await echoes(port);
    if (!(await expect('/hello', 200, HELLO))) return false;
    return !ANSWERS_REAL_REQUESTS.includes(setup) || (await answersReally(expect));
  } catch {
    return false;
  }
}

async function answersReally(
  expect: (path: string, status: number, body: string, init?: RequestInit) => Promise<boolean>,
): Promise<boolean> {
  const agent = BROWSER_FIELDS['User-Agent']!;
  const body = REQUESTS['real-post'].bodyOf!(1);
  const posted = { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
  const [product, receipt] = [productOf('7', 'a', agent), receiptOf(JSON.parse(body) as Order)];
  return (
    (await expect('/products/7?list=a', 200, JSON.stringify(product), {
      headers: { 'User-Agent': agent },
    })) &&
    (await expect('/orders', 201, JSON.stringify(receipt), posted)) &&
    (await expect('/shelves/7?q=a%26b', 200, shelfPage('7', 'a&b')))
  );
}

async function echoes(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.end(HELLO);
    const [bytes] = await once(socket, 'data', { signal: AbortSignal.timeout(LIMIT_MS) });
    return String(bytes) === HELLO;
  } finally {
    socket.destroy();
  }
}
