/** Requests are logged with their URLs, and the values of queries are often secrets. */
import type { LogFields, Logger } from '../logger.js';
import { redactQuery } from '../observe/redact.js';

/** The logger, given `url` without the values of its query. */
export function redactingLogger(logger: Logger): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void =>
      logger[level](message, fields && redacted(fields));
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

const redacted = (fields: LogFields): LogFields =>
  typeof fields.url === 'string' ? { ...fields, url: redactQuery(fields.url) } : fields;
