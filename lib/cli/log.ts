/**
 * The command's logger: structured, on standard error. Only the command imports this file, and only when it is about to
 * serve, so a program that embeds the server loads no logger. Everything else knows the {@link Logger} interface alone.
 */
import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LogFields, Logger } from '../logger.js';
import type { LogFormat, LogLevel } from '../options/option-table.js';

/** Bound of the bytes that wait for a reader. Beyond it, lines are dropped and counted. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/**
 * Returns a logger on standard error. A line has left the process when the call returns, unless standard error is a full
 * pipe: the control plane never waits for a reader, because health checks and the replacement of threads depend on it.
 */
export function createLogger({ level, format }: { level: LogLevel; format: LogFormat }): Logger {
  const { stderr } = process;
  const styled = format === 'pretty' ? pretty(stderr) : (line: string): string => line;
  const log = pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    { write: (line) => stderr.write(styled(line)) },
  );
  /** Lines dropped since the pipe filled up, until it is empty again, so that the log has one gap and not many. */
  let omitted = 0;
  const resume = (): void => {
    const lines = omitted;
    omitted = 0;
    log.warn({ lines }, 'lines are missing here: nobody read the log');
  };
  const at =
    (name: keyof Logger) =>
    (message: string, fields: LogFields = {}): void => {
      if (!log.isLevelEnabled(name)) return;
      if (omitted === 0 && stderr.writableLength < MAX_UNREAD_BYTES) log[name](fields, message);
      else if (omitted++ === 0) stderr.once('drain', resume);
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

/** Returns a function that turns a line of JSON into a line for people. */
function pretty(stream: NodeJS.WriteStream): (line: string) => string {
  return prettyFactory({
    // hasColors knows NO_COLOR, FORCE_COLOR and dumb terminals; it is missing where this is no terminal.
    colorize: stream.hasColors?.() ?? false,
    errorLikeObjectKeys: ['error'],
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  });
}
