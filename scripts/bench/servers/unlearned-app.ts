// The small handler, which declares that none of its routes blocks: what the set learns about them is not used.

import handler from './handler.js';

export default { fetch: handler.fetch, routes: { nonBlocking: ['/**'] } };
