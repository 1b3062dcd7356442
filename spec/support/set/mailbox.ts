import type { Mailbox } from '../../../lib/set/mailbox.js';

/** Takes the oldest entry into the mailbox's `fd` and `generation`. @returns false when there is none */
export function takeEntry(mailbox: Mailbox): boolean {
  if (!mailbox.peek()) return false;
  mailbox.remove();
  return true;
}
