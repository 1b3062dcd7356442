/**
 * The command's logger: structured, on standard error. Only the command imports this file, and only when it is about to
 * serve, so a program that embeds the server loads no logger. Everything else knows the {@link Logger} interface alone.
 */
import { pino } from 'pino';
import type { Logger } from '../logger.js';
import type { LogFormat, LogLevel } from '../options/option-table.js';
import { boundedLogger, type WriteEntry } from '../report/bounded-log.js';
import { errorRecord } from '../report/error-record.js';
import { logLines } from '../report/log-lines.js';

/** Least important last: a level includes those before it. */
const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const satisfies readonly LogLevel[];

/** Returns a logger on standard error, bounded as report/bounded-log.ts says. */
export function createLogger({ level, format }: { level: LogLevel; format: LogFormat }): Logger {
  const enabled = (name: keyof Logger): boolean => LEVELS.indexOf(name) <= LEVELS.indexOf(level);
  return boundedLogger(process.stderr, enabled, format === 'pretty' ? writePretty : jsonWriter());
}

const writePretty: WriteEntry = (level, message, fields) => {
  // hasColors knows NO_COLOR, FORCE_COLOR and dumb terminals; it is missing where this is no terminal.
  const color = process.stderr.hasColors?.() ?? false;
  process.stderr.write(logLines(level, message, fields, { color }));
};

function jsonWriter(): WriteEntry {
  const log = pino(
    {
      level: 'debug',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorRecord },
    },
    { write: (line) => process.stderr.write(line) },
  );
  return (level, message, fields) => log[level](fields, message);
}
