/**
 * Header fields as text: `name: value\r\n` lines, the form in which they arrive and leave. The light request and response
 * keep them so, and make a Headers object on demand only.
 *
 * Only fields that are certainly valid become lines here. For everything else `linesOf` returns null, and the Headers class
 * decides what it means or throws as the Fetch standard requires.
 */
import { type FieldName, nameOf } from './field-names.js';
import { RealHeaders } from './web-globals.js';

/** RFC 9110, 5.5, with obs-text: no control characters, so no line ends, and nothing beyond latin1. */
const VALUE = /^[\t -~\x80-\xff]*$/;

/** Characters that the Headers class refuses in a value: they end a line, or are beyond latin1. */
const UNSENDABLE = /[\0\r\n\u0100-\uffff]/;

/** null for a value that may be invalid. The last line is kept: types of content and the like are the same in most responses. */
function lineOf(name: FieldName, value: unknown): string | null {
  if (value === name.value) return name.line;
  if (typeof value !== 'string' || !VALUE.test(value)) return null;
  name.value = value;
  name.line = `${name.prefix}${value}\r\n`;
  return name.line;
}

/** Whether the value can be sent unchanged. */
export function isFieldValue(value: string): boolean {
  return VALUE.test(value);
}

/** Whether the Headers class takes the value, apart from white space around it. */
export function isSendable(value: string): boolean {
  return !UNSENDABLE.test(value);
}

/** The `content-type` line of a type that is known to be valid; '' for no type. */
export function contentTypeLine(type: string): string {
  return type === '' ? '' : `content-type: ${type}\r\n`;
}

export const TEXT_LINE = contentTypeLine('text/plain;charset=UTF-8');
export const JSON_LINE = contentTypeLine('application/json');

/**
 * The lines of a headers init, in its order. Fast path.
 *
 * @param init the `headers` of a Response init; not a light Headers object
 * @param typeLine a `content-type` line to add when the init has none, or ''
 * @returns null when the init is not plain (the Headers class must parse it) or names a special field
 */
export function linesOf(init: unknown, typeLine: string): string | null {
  if (typeof init !== 'object' || init === null) return init === undefined ? typeLine : null;
  const prototype = Object.getPrototypeOf(init);
  if (prototype === Object.prototype) return linesOfRecord(init as Record<string, unknown>, typeLine);
  if (prototype === Array.prototype || prototype === RealHeaders.prototype) {
    return linesOfPairs(init as Iterable<unknown>, typeLine);
  }
  return null;
}

function linesOfRecord(record: Record<string, unknown>, typeLine: string): string | null {
  let lines = '';
  let type = typeLine;
  // Faster than Object.keys(). hasOwn() excludes what an app has added to Object.prototype.
  for (const key in record) {
    if (!Object.hasOwn(record, key)) continue;
    const name = nameOf(key);
    if (name === null || name.special) return null;
    const line = lineOf(name, record[key]);
    if (line === null) return null;
    if (name.lower === 'content-type') type = '';
    lines = lines === '' ? line : lines + line;
  }
  return type === '' ? lines : lines + type;
}

function linesOfPairs(pairs: Iterable<unknown>, typeLine: string): string | null {
  let lines = '';
  let type = typeLine;
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') return null;
    const name = nameOf(pair[0]);
    if (name === null || name.special) return null;
    const line = lineOf(name, pair[1]);
    if (line === null) return null;
    if (name.lower === 'content-type') type = '';
    lines = lines === '' ? line : lines + line;
  }
  return type === '' ? lines : lines + type;
}

/** Replaces the fields of `to` by those of `from`. */
export function copyHeaders(from: Headers, to: Headers): void {
  if (from === to) return;
  for (const name of [...to.keys()]) to.delete(name);
  for (const [name, value] of from) to.append(name, value);
}

/** A response's header fields, split into what is sent as lines and what the connection acts on. */
export class SentFields {
  /** Lines, without the fields that the runtime owns. */
  lines = '';
  /** The value of content-length; null without the field. */
  #length: string | null = null;
  close = false;

  /**
   * Turns fields into what is sent. `set-cookie` fields stay separate, as iteration yields them.
   *
   * @throws TypeError when a value cannot be sent: undici does not check the values that it sets itself
   */
  static of(fields: Iterable<[string, string]>): SentFields {
    const sent = new SentFields();
    for (const [given, value] of fields) {
      const name = nameOf(given)!;
      if (!name.owned && !isSendable(value)) {
        throw new TypeError(`The value of the header field ${given} cannot be sent`);
      }
      sent.add(name, value);
    }
    return sent;
  }

  /** Adds a field with a value that can be sent. */
  add(name: FieldName, value: string): void {
    if (!name.owned) this.lines += `${name.prefix}${value}\r\n`;
    else if (name.lower === 'content-length') this.#length = this.#length === null ? value : 'several';
    else if (name.lower === 'connection') this.close ||= /(?:^|,)\s*close\s*(?:,|$)/i.test(value);
  }

  /** In bytes; -1 without a valid content-length, of no more digits than a safe integer has. The runtime counts then. */
  get contentLength(): number {
    return this.#length !== null && /^\d{1,15}$/.test(this.#length) ? Number(this.#length) : -1;
  }
}
