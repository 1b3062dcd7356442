/**
 * A log on a stream that nobody may read. A line has left the process when the call returns, unless the stream is a full pipe: who logs
 * never waits for a reader, because health checks and the replacement of threads depend on it.
 */
import type { Writable } from 'node:stream';
import type { LogFields, Logger } from '../logger.js';

/** Of what waits for a reader. Beyond it, lines are dropped and counted. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Writes an entry to the stream. */
export type WriteEntry = (level: keyof Logger, message: string, fields: LogFields) => void;

/** A logger that writes to `stream` by `write`, the levels of `enabled` alone. */
export function boundedLogger(
  stream: Writable,
  enabled: (level: keyof Logger) => boolean,
  write: WriteEntry,
): Logger {
  /** Lines dropped since the pipe filled up, until it is empty again, so that the log has one gap and not many. */
  let omitted = 0;
  const resume = (): void => {
    const lines = omitted;
    omitted = 0;
    write('warn', 'lines are missing here: nobody read the log', { lines });
  };
  const at =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}): void => {
      if (!enabled(level)) return;
      if (omitted === 0 && stream.writableLength < MAX_UNREAD_BYTES) write(level, message, fields);
      else if (omitted++ === 0) stream.once('drain', resume);
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
