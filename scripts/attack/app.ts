/** The app under attack: that of the specs behind proxies, and a barrier at which all threads meet. */

import type { FetchContext } from '../../lib/web/context.js';
import app from '../../spec/support/proxies/app.js';
import { Barriers } from '../campaign/barrier.js';

const barriers = Barriers.find();
const MEET = /^\/meet\?barrier=(\d+)&count=(\d+)$/;

export default {
  fetch(request: Request, { thread }: FetchContext): unknown {
    const { pathname, search } = new URL(request.url);
    const [, barrier, count] = MEET.exec(pathname + search) ?? [];
    if (barrier === undefined) return app.fetch(request);
    return barriers.meet(Number(barrier), Number(count), thread);
  },
};
