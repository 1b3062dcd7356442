/** A logger is the embedder's code and may fail. A failure costs one line of the log, and nothing else. */
import type { LogFields, Logger } from '../logger.js';

/** The logger, wrapped so that its functions neither throw nor reject. */
export function guardedLogger(logger: Logger): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        const result: unknown = logger[level](message, fields);
        if (result instanceof Promise) result.catch(() => {});
      } catch {
        // There is no other place to report it.
      }
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
