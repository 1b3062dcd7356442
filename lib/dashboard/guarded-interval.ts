import type { Logger } from '../logger.js';

/**
 * An interval that does not keep the process alive, and whose errors do not end it: an error thrown in a timer is an uncaught
 * exception, and the dashboard must never take the server down. Only the first one is logged, not ten a second.
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
