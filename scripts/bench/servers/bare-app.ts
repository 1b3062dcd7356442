// The least that a handler does with a real request: it reads the URL and one field, and answers from memory. So what a request
// costs here is the runtime's part, measured in place.

import { HELLO } from './handler.js';
import { productOf } from './shop.js';

const BODY = JSON.stringify(productOf('1000000', '1', 'agent'.repeat(20)));

export default { fetch: handle };

function handle(request: Request): Response {
  if (request.url.endsWith('/hello')) {
    return new Response(HELLO, { headers: { 'Content-Type': 'text/plain' } });
  }
  if (request.headers.get('user-agent') === null) return new Response('who asks?\n', { status: 400 });
  return new Response(BODY, { headers: { 'Content-Type': 'application/json' } });
}
