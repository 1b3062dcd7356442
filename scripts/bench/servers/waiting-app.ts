// The app of the waiting scenarios: the demo's routes, and the stream of ticks.

import demo from '../../../lib/demo/app.js';
import type { FetchContext } from '../../../lib/web/context.js';
import { TICK_HEADERS, tickPace, tickStream } from './ticks.js';

export default {
  fetch(request: Request, context: FetchContext): unknown {
    const ms = tickPace(request.url);
    if (ms === undefined) return demo.fetch(request, context);
    return new Response(tickStream(ms), { headers: TICK_HEADERS });
  },
};
