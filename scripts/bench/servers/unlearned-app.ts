// The app of the waiting scenarios, which declares that none of its routes blocks: what the set learns about them is not used.

import waiting from './waiting-app.js';

export default { fetch: waiting.fetch, routes: { nonBlocking: ['/**'] } };
