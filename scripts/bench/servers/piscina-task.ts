// What a thread of the pool does for a route that computes or blocks: the small handler's own code.

import handler from './handler.js';

export default async function run(path: string): Promise<string> {
  const response = await handler.fetch(new Request(`http://127.0.0.1${path}`));
  return response.text();
}
