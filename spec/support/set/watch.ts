/** The watch of one of two threads on which nothing depends. */
import { Engagement } from '../../../lib/set/engagement.js';
import { Watch } from '../../../lib/set/watch.js';

export function makeWatch(control: SharedArrayBuffer, self: number): Watch {
  return new Watch(control, self, new Engagement(control, self, { threads: 2, timeoutMs: () => -1 }));
}
