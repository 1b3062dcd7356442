/**
 * Logs of the command: structured, on standard error. Only the command imports this file's code, and only once it is
 * about to serve, so that who embeds the server pays for no logger; the {@link Logger} interface is all that the rest
 * knows.
 */
import { pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

/** Facts that belong to a message. An error goes under the name `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the server reports what it does. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** From nothing to everything; each level includes the ones before it. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** `pretty` for people, `json` (one object a line) for programs. */
export type LogFormat = 'pretty' | 'json';

const STANDARD_ERROR_FD = 2;

/**
 * A logger on standard error. It writes synchronously: the last line before the process ends is the one that matters
 * most, and it must not be lost in a buffer.
 */
export function createLogger({ level, format }: { level: LogLevel; format: LogFormat }): Logger {
  const destination =
    format === 'pretty'
      ? PinoPretty({
          destination: STANDARD_ERROR_FD,
          sync: true,
          // hasColors knows NO_COLOR, FORCE_COLOR and dumb terminals; it is missing where this is no terminal.
          colorize: process.stderr.hasColors?.() ?? false,
          errorLikeObjectKeys: ['error'],
          ignore: 'pid,hostname',
          translateTime: 'SYS:HH:MM:ss.l',
        })
      : pino.destination({ fd: STANDARD_ERROR_FD, sync: true });
  const log = pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    destination,
  );
  return {
    error: (message, fields = {}) => log.error(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    debug: (message, fields = {}) => log.debug(fields, message),
  };
}
