// The least that a handler does with a real request: it reads the URL and one field, and answers from memory. So what a request
// costs here is the runtime's part, measured in place.

import { HELLO } from './handler.js';
import { productOf } from './shop.js';

const BODY = JSON.stringify(productOf('1000000', '1', 'agent'.repeat(20)));

/** Read, so that no runtime can leave the reading out. */
let characters = 0;

export default { fetch: handle };

function handle(request: Request): Response {
  const { url } = request;
  characters += url.length + (request.headers.get('user-agent')?.length ?? 0);
  if (url.endsWith('/hello')) return new Response(HELLO, { headers: { 'Content-Type': 'text/plain' } });
  return new Response(BODY, { headers: { 'Content-Type': 'application/json' } });
}

/** How many characters of URLs and fields have been read. */
export const charactersRead = (): number => characters;
