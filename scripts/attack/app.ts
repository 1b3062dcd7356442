/** The app that is attacked: that of the specs behind proxies, and a place where all threads meet. */

import type { FetchContext } from '../../lib/web/context.js';
import app from '../../spec/support/proxies/app.js';
import { Board } from '../chaos/board.js';

const board = Board.find();
const MEETING = /^\/meet\?meeting=(\d+)&count=(\d+)$/;

export default {
  fetch(request: Request, { thread }: FetchContext): unknown {
    const { pathname, search } = new URL(request.url);
    const [, meeting, count] = MEETING.exec(pathname + search) ?? [];
    if (meeting === undefined) return app.fetch(request);
    return board.meet(Number(meeting), Number(count)) ? String(thread) : 'nobody came';
  },
};
