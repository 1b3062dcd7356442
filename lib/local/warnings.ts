/** What the data plane of a local set logs: there is no logger, so warnings and errors become warnings of the process. */
import type { ThreadContext } from '../connection/event-handler.js';

/** Messages that differ are told apart up to this number; later ones are dropped. */
const MAX_MESSAGES = 64;
const warned = new Set<string>();

/** Each message once: one that is caused by a client may come with every request. */
export const log: ThreadContext['log'] = (level, message) => {
  if (level !== 'error' && level !== 'warn') return;
  if (warned.has(message) || warned.size === MAX_MESSAGES) return;
  warned.add(message);
  process.emitWarning(message, 'PacelineWarning');
};
