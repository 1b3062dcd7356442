/** Closing a connection that may be in another thread. */
import type { ThreadContext } from '../connection/event-handler.js';
import { BROKEN, ENTERED, HAND_OFF } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';

/** Gives the connection the event of a broken one: the thread that takes it closes it. To be called outside of user code. */
export function breakConnection(context: ThreadContext, fd: number, generation: number): void {
  const { self, table, control, lot, process } = context;
  switch (table.claim(fd, generation, BROKEN, self)) {
    case ENTERED:
      process(fd, BROKEN);
      return;
    case HAND_OFF:
      // Only leaders write entries into mailboxes. A sweep of all bound handles may be requested by any thread.
      new Mailbox(control.buffer as SharedArrayBuffer, table.handOffTo).requestSweep();
      lot.wake(table.handOffTo);
      return;
    default:
  }
}
