/** Loggers come from whoever embeds the server. One that fails costs a line, and never what was about to be done after it. */
import type { LogFields, Logger } from '../logger.js';

/** The same logger, whose functions neither throw nor reject. */
export function guardedLogger(logger: Logger): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        const result: unknown = logger[level](message, fields);
        if (result instanceof Promise) result.catch(() => {});
      } catch {
        // There is nobody else to tell.
      }
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
