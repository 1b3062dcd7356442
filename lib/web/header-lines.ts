/**
 * Header fields as text: `name: value\r\n` lines, the form in which they arrive and leave. The light request and response
 * keep them so, and make a Headers object on demand only.
 *
 * Only fields that are certainly valid become lines here. For everything else `linesOf` returns null, and the real Headers
 * class decides what it means or throws as the Fetch standard requires.
 */

/** The real class, taken before an app can replace it. */
const Headers = globalThis.Headers;

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110, 5.5, with obs-text: no control characters, so no line ends, and nothing beyond latin1. */
const VALUE = /^[\t -~\x80-\xff]*$/;

/** Characters that the Headers class refuses in a value: they end a line, or are beyond latin1. */
const UNSENDABLE = /[\0\r\n\u0100-\uffff]/;

/** Fields that the runtime writes itself, or that describe the connection and not the message (RFC 9110, 7.6.1). */
const OWNED = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

interface Name {
  readonly lower: string;
  /** Owned by the runtime, or a field that a proxy may have to remove: needs a Headers object, which is checked on sending. */
  readonly special: boolean;
  /** The last value sent under this name and its line: most fields have the same value in every response. */
  value: string;
  line: string;
}

/** Apps use a handful of names; the bound is for apps that generate names. */
const MAX_NAMES = 256;
const names = new Map<string, Name>();

/** The last one looked up: most responses have one field. */
let lastText = '';
let lastName: Name | null = null;

function nameOf(text: string): Name | null {
  if (text === lastText) return lastName;
  const name = knownName(text);
  if (name !== null) {
    lastText = text;
    lastName = name;
  }
  return name;
}

function knownName(text: string): Name | null {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (!TOKEN.test(text)) return null;
  const lower = text.toLowerCase();
  const name = {
    lower,
    special: OWNED.has(lower) || lower.startsWith('proxy-'),
    value: '',
    line: `${lower}: \r\n`,
  };
  if (names.size < MAX_NAMES) names.set(text, name);
  return name;
}

function lineOf(name: Name, value: unknown): string | null {
  if (value === name.value) return name.line;
  if (typeof value !== 'string' || !VALUE.test(value)) return null;
  name.value = value;
  name.line = `${name.lower}: ${value}\r\n`;
  return name.line;
}

/** Whether the value can be sent unchanged. */
export function isFieldValue(value: string): boolean {
  return VALUE.test(value);
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
 * @param init the `headers` of a Response init
 * @param typeLine a `content-type` line to add when the init has none, or ''
 * @returns null when the init is not plain (the real class must parse it) or names a special field
 */
export function linesOf(init: unknown, typeLine: string): string | null {
  if (typeof init !== 'object' || init === null) return init === undefined ? typeLine : null;
  const prototype = Object.getPrototypeOf(init);
  if (prototype === Object.prototype) return linesOfRecord(init as Record<string, unknown>, typeLine);
  if (prototype === Array.prototype || prototype === Headers.prototype) {
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

/** A Headers object of the lines from `start` up to an empty line or the end of the text. */
export function headersOf(text: string, start: number): Headers {
  const headers = new Headers();
  let at = start;
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end <= at) return headers;
    const colon = text.indexOf(':', at);
    headers.append(text.substring(at, colon), text.substring(colon + 1, end));
    at = end + 2;
  }
}

/** Replaces the fields of `to` by those of `from`. */
export function copyHeaders(from: Headers, to: Headers): void {
  if (from === to) return;
  for (const name of [...to.keys()]) to.delete(name);
  for (const [name, value] of from) to.append(name, value);
}

/** A response's header fields, split into what is sent as lines and what the connection acts on. */
interface SentFields {
  /** Lines, without the fields that the runtime owns. */
  headers: string;
  /** In bytes; -1 without a valid content-length. */
  contentLength: number;
  close: boolean;
}

/**
 * Turns a Headers object into what is sent. `set-cookie` fields stay separate, as iteration yields them.
 *
 * @throws TypeError when a value cannot be sent: undici does not check the values that it sets itself
 */
export function sentFieldsOf(fields: Iterable<[string, string]>): SentFields {
  const sent: SentFields = { headers: '', contentLength: -1, close: false };
  for (const [name, value] of fields) {
    if (!OWNED.has(name)) {
      if (UNSENDABLE.test(value)) throw new TypeError(`The value of the header field ${name} cannot be sent`);
      sent.headers += `${name}: ${value}\r\n`;
    } else if (name === 'content-length') {
      // Ignored with more digits than a safe integer has, or when two lengths were joined; the runtime counts then.
      if (/^\d{1,15}$/.test(value)) sent.contentLength = Number(value);
    } else if (name === 'connection') {
      sent.close = /(?:^|,)\s*close\s*(?:,|$)/i.test(value);
    }
  }
  return sent;
}
