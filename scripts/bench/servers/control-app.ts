// The app of the control scenarios: the demo's routes, and one that throws.

import demo from '../../../lib/demo/app.js';
import type { FetchContext } from '../../../lib/web/context.js';

export default {
  fetch(request: Request, context: FetchContext): unknown {
    if (request.url.endsWith('/throw')) throw new Error('this route throws');
    return demo.fetch(request, context);
  },
};
