/** Loggers that programs have already: told apart by their methods, and called with the arguments in their own order. */
import type { LogFields, Logger } from '../logger.js';

type Log = (...values: unknown[]) => unknown;
type ForeignLogger = Record<keyof Logger, Log>;

/** A logger of the interface for `logger`, which may be one of pino or bunyan, or a console. */
export function adaptLogger(logger: Logger): Logger {
  const foreign = logger as unknown as ForeignLogger;
  if (hasMethods(logger, 'child', 'bindings') || hasMethods(logger, 'child', 'addSerializers')) {
    return adapted((level, message, { error, ...facts }) => {
      // Their serializer for errors is that of the key `err`.
      return foreign[level](error === undefined ? facts : { ...facts, err: error }, message);
    });
  }
  if (hasMethods(logger, 'log', 'dir', 'table')) {
    return adapted((level, message, { error, ...facts }) => {
      const others = Object.keys(facts).length > 0 ? [facts] : [];
      return foreign[level]('%s', message, ...others, ...(error === undefined ? [] : [error]));
    });
  }
  return logger;
}

function adapted(log: (level: keyof Logger, message: string, fields: LogFields) => unknown): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}) =>
      log(level, message, fields) as undefined;
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

const hasMethods = (value: object, ...names: readonly string[]): boolean =>
  names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
