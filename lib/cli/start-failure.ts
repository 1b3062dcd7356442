/** What the command says about an app that does not load: where in the app, beyond the one line of every failed start. */
import { oneLine, PacelineError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { LogFormat, LogLevel } from '../options/option-table.js';
import { errorRecord } from '../report/error-record.js';
import { renderDetails } from '../report/render-error.js';

/** What the app threw; undefined where a start failed for another reason. */
export function errorOfApp(error: unknown): unknown {
  const isOfApp = error instanceof PacelineError && error.code.startsWith('PACELINE_APP_');
  return isOfApp ? error.cause : undefined;
}

/**
 * Writes to standard error: in JSON an entry of the log and then the line, else the line and then the source and the stack. The line
 * alone, if the log is silent.
 */
export function reportStartFailure(
  error: unknown,
  logger: Logger,
  { level, format }: { level: LogLevel; format: LogFormat },
): void {
  const { stderr } = process;
  const line = `paceline: ${oneLine(error)}\n`;
  const cause = errorOfApp(error);
  if (format === 'json') logger.error(oneLine(error), { error: cause });
  stderr.write(line);
  if (format !== 'pretty' || level === 'silent') return;
  const color = stderr.hasColors?.() ?? false;
  const details = renderDetails(errorRecord(cause), { color });
  if (details !== '') stderr.write(`${details}\n`);
}
