/** Where the server reports what it does: an interface, which each embedder fills as it likes. A logger of pino or bunyan fits it, too. */

/** Facts that belong to a message. An error goes under the name `error`; `JSON.stringify` shows all of it. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the server reports what it does. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}
