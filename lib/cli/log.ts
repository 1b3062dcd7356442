/**
 * Logs of the command: structured, on standard error. Only the command imports this file's code, and only once it is
 * about to serve, so that who embeds the server pays for no logger; the {@link Logger} interface is all that the rest
 * knows.
 */
import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LogFields, Logger } from '../logger.js';
import type { LogFormat, LogLevel } from '../options/option-table.js';

/** What waits for a reader. Beyond it lines are left out, and counted. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/**
 * A logger on standard error. A line has left the process when the call returns, unless standard error is a pipe that is
 * full: the control plane waits for no reader, because health checks and the replacement of threads wait for it.
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
  /** Lines left out since the pipe was full; until it is empty, so that the log has one gap and not many. */
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

/** Makes a line of JSON one for people. */
function pretty(stream: NodeJS.WriteStream): (line: string) => string {
  return prettyFactory({
    // hasColors knows NO_COLOR, FORCE_COLOR and dumb terminals; it is missing where this is no terminal.
    colorize: stream.hasColors?.() ?? false,
    errorLikeObjectKeys: ['error'],
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  });
}
