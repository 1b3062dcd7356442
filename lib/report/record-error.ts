/** An error made of a record, for embedders: their loggers and their code know errors, not records. */
import { type ErrorRecord, NON_ERROR, remember } from './error-record.js';
import { headline } from './render-error.js';

type ErrorClass = new (message: string) => Error;

const BUILT_IN: ReadonlyMap<string, ErrorClass> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((made) => [made.name, made]),
);

/**
 * An error with the record's name, message, stack, code, cause and parts. It is an instance of the language's class of that name where
 * there is one. `JSON.stringify` gives the record.
 */
export function recordError(record: ErrorRecord): Error {
  const { name, message, code, stack, cause, errors } = record;
  const error =
    errors === undefined
      ? new (classOf(name))(message)
      : new AggregateError(errors.map(recordError), message);
  define(error, 'name', name);
  define(error, 'stack', stack === undefined ? headline(record) : `${headline(record)}\n${stack}`);
  if (cause !== undefined)
    define(error, 'cause', cause.name === NON_ERROR ? cause.message : recordError(cause));
  if (code !== undefined) Object.assign(error, { code });
  define(error, 'toJSON', () => record);
  remember(error, record);
  return error;
}

/** Loggers show the name of the class. */
function classOf(name: string): ErrorClass {
  const builtIn = BUILT_IN.get(name);
  if (builtIn !== undefined) return builtIn;
  const made = class extends Error {};
  define(made, 'name', name);
  return made;
}

/** As the properties that the language gives errors: writable, and left out where properties are listed. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, writable: true, enumerable: false });
}
