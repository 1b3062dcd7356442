/**
 * An error as plain data: what is sent from thread to thread, logged, and shown. Anything can be thrown: values that are no errors,
 * objects whose getters throw, messages of megabytes, errors that are their own cause. None of that may cost more than the record.
 */
import { types } from 'node:util';
import { codeFrame } from './code-frame.js';
import { importSite, jsonPlace } from './load-places.js';
import { type Place, readStack, type Stack } from './stack-frames.js';
import { valueText } from './value-text.js';

/** An error, with what it was caused by. Bounded in size and depth, and cloneable. */
export interface ErrorRecord {
  /** The name of its class; `NonError` for a value that is no error, which is then the message as text. */
  readonly name: string;
  readonly message: string;
  /** As Node, databases and clients give it. */
  readonly code?: string | number;
  /** The app's frames, a line for each, without the message and without the frames of the runtime. Missing where there are none. */
  readonly stack?: string;
  /** Where it arose. */
  readonly location?: Place;
  /** The source around the location, in several lines without colours. */
  readonly frame?: string;
  readonly cause?: ErrorRecord;
  /** The parts of an AggregateError. */
  readonly errors?: readonly ErrorRecord[];
}

export interface RecordOptions {
  /** Whether to read the source for a code frame, for the first of the error and its causes that has a location. Default: false. */
  readonly frame?: boolean;
}

/** The name of the record of a value that is no error. */
export const NON_ERROR = 'NonError';

/** Of a record with everything in it. */
const MAX_CHARACTERS = 12_288;
const MAX_MESSAGE_CHARACTERS = 4096;
const MAX_NAME_CHARACTERS = 100;
const MAX_DEPTH = 8;
const MAX_PARTS = 8;
/** Of an error, its causes and parts, and theirs. */
const MAX_RECORDS = 32;

type Mutable = { -readonly [Key in keyof ErrorRecord]: ErrorRecord[Key] };

/** Records of errors that were made of records (record-error.ts): nothing is lost on the way. */
const known = new WeakMap<Error, ErrorRecord>();

/** Notes that `error` shows `record`. */
export function remember(error: Error, record: ErrorRecord): void {
  known.set(error, record);
}

/** What was thrown, as a record. Never throws, although it may run code of the app, in getters for example. */
export function errorRecord(error: unknown, { frame = false }: RecordOptions = {}): ErrorRecord {
  try {
    return known.get(error as Error) ?? new Recorder(frame).record(error, 0);
  } catch {
    return { name: NON_ERROR, message: 'something was thrown that cannot be described' };
  }
}

/** Makes one record. */
class Recorder {
  #left = MAX_CHARACTERS;
  #records = 0;
  #wantsFrame: boolean;
  /** Those that contain the one that is being recorded. */
  readonly #around = new Set<unknown>();

  constructor(wantsFrame: boolean) {
    this.#wantsFrame = wantsFrame;
  }

  record(error: unknown, depth: number): ErrorRecord {
    this.#records++;
    if (!isError(error))
      return { name: NON_ERROR, message: this.#take(valueText(error), MAX_MESSAGE_CHARACTERS) };
    const message = stringOf(read(error, 'message'));
    const record: Mutable = {
      name: this.#take(nameOf(error), MAX_NAME_CHARACTERS),
      message: this.#take(message, MAX_MESSAGE_CHARACTERS),
    };
    const code = codeOf(error);
    if (code !== undefined)
      record.code = typeof code === 'string' ? this.#take(code, MAX_NAME_CHARACTERS) : code;
    this.#addStack(record, error, message);
    this.#around.add(error);
    if (depth < MAX_DEPTH && this.#left > 0) this.#addOthers(record, error, depth + 1);
    this.#around.delete(error);
    return record;
  }

  #addStack(record: Mutable, error: object, message: string): void {
    const { frames, place } = stackOf(error, message);
    // The runtime's own errors say what is wrong; where they were made says nothing.
    const isOfRuntime = record.name === 'PacelineError' && place === null;
    const stack = isOfRuntime
      ? ''
      : this.#take(frames.map((frame) => `    ${frame}`).join('\n'), MAX_CHARACTERS);
    if (stack !== '') record.stack = stack;
    const location =
      (this.#wantsFrame ? importSite(record.code, message) : null) ?? jsonPlace(message) ?? place;
    if (location === null) return;
    record.location = location;
    if (!this.#wantsFrame) return;
    this.#wantsFrame = false;
    const frame = codeFrame(location);
    if (frame !== null) record.frame = this.#take(frame, MAX_CHARACTERS);
  }

  #addOthers(record: Mutable, error: object, depth: number): void {
    const cause = read(error, 'cause');
    if (cause !== undefined && cause !== null && !this.#around.has(cause)) {
      record.cause = this.record(cause, depth);
    }
    const parts = read(error, 'errors');
    if (!Array.isArray(parts)) return;
    const errors: ErrorRecord[] = [];
    for (const part of parts.slice(0, MAX_PARTS)) {
      if (this.#records >= MAX_RECORDS) break;
      if (!this.#around.has(part)) errors.push(this.record(part, depth));
    }
    const more = parts.length - MAX_PARTS;
    if (more > 0) errors.push({ name: NON_ERROR, message: `and ${more} more` });
    if (errors.length > 0) record.errors = errors;
  }

  /** The text, as far as its own bound and that of the record allow. */
  #take(text: string, max: number): string {
    const bound = Math.min(max, this.#left);
    const taken = text.length <= bound ? text : `${text.slice(0, Math.max(0, bound - 1))}…`;
    this.#left = Math.max(0, this.#left - taken.length);
    return taken;
  }
}

/** Errors of this realm and of others (node:vm), and objects that pass for errors. */
function isError(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (types.isNativeError(value) || value instanceof Error) return true;
  return typeof read(value, 'message') === 'string' && typeof read(value, 'stack') === 'string';
}

/** A getter, or a proxy, may throw. */
function read(value: object, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

const stringOf = (value: unknown): string => (typeof value === 'string' ? value : valueText(value ?? ''));

/** A class that gives its errors no name of their own is still named. */
function nameOf(error: object): string {
  const name = read(error, 'name');
  if (typeof name === 'string' && name !== '' && name !== 'Error') return name;
  const made = read(error, 'constructor');
  const className = typeof made === 'function' ? read(made, 'name') : undefined;
  return typeof className === 'string' && className !== '' ? className : 'Error';
}

/** Not that of a DOMException, which has a number for each name from before names were used. */
function codeOf(error: object): string | number | undefined {
  if (!Object.hasOwn(error, 'code')) return undefined;
  const code = read(error, 'code');
  return typeof code === 'string' || typeof code === 'number' ? code : undefined;
}

/** An app may set Error.prepareStackTrace, so that a stack is anything; call sites are usual. */
function stackOf(error: object, message: string): Stack {
  const stack = read(error, 'stack');
  if (Array.isArray(stack)) return readStack(stack.map((site) => `    at ${String(site)}`).join('\n'), '');
  return typeof stack === 'string' ? readStack(stack, message) : { frames: [], place: null };
}
