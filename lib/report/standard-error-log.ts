/** The log of a program that embeds the server and has given it no logger: what would be lost otherwise. */
import type { Logger } from '../logger.js';
import { boundedLogger } from './bounded-log.js';
import { logLines } from './log-lines.js';

/** Errors and warnings on standard error, for people. */
export function standardErrorLogger(): Logger {
  const { stderr } = process;
  return boundedLogger(
    stderr,
    (level) => level === 'error' || level === 'warn',
    (level, message, fields) => {
      const color = stderr.hasColors?.() ?? false;
      stderr.write(logLines(level, message, fields, { origin: 'paceline', color }));
    },
  );
}
