import type { Logger } from '../logger.js';

/**
 * An interval that keeps no process alive, and whose failure ends none: an error in a timer would be an uncaught one, and
 * whoever looks at a server must not be able to take it down. It is logged once, not ten times a second.
 */
export function guardedInterval(logger: Logger, task: () => void, intervalMs: number): NodeJS.Timeout {
  let failed = false;
  const timer = setInterval(() => {
    try {
      task();
    } catch (error) {
      if (!failed) logger.error('the dashboard cannot show the server', { error });
      failed = true;
    }
  }, intervalMs);
  return timer.unref();
}
