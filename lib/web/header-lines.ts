/**
 * Header fields as text: `name: value\r\n` lines, the form in which they arrive and leave. The light request and response
 * keep them so, and make a Headers object only when somebody asks for one.
 *
 * Only what is certainly right is turned into lines here. For everything else `linesOf` answers null, and the real
 * Headers class decides what it means or throws what the Fetch standard says.
 */

/** The real class, taken before an app can replace it. */
const Headers = globalThis.Headers;

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110, 5.5, with obs-text: no control character, so no end of a line, and nothing that latin1 cannot carry. */
const VALUE = /^[\t -~\x80-\xff]*$/;

/** What the Headers class refuses in a value, as it ends a line, or cannot be sent as latin1. */
const UNSENDABLE = /[\0\r\n\u0100-\uffff]/;

/** Fields that the runtime writes by itself, or that describe the connection rather than the message (RFC 9110, 7.6.1). */
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
  /** Owned by the runtime, or what a proxy may have to leave out: a Headers object has to be looked at when it is sent. */
  readonly special: boolean;
  /** The last value sent under this name and its line: most fields have the same value in every response. */
  value: string;
  line: string;
}

/** Apps use a handful of names; the bound is for those that make names up. */
const MAX_NAMES = 256;
const names = new Map<string, Name>();

/** The one that was looked for last: most responses have one field. */
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

/** Whether the value can be sent as it is. */
export function isFieldValue(value: string): boolean {
  return VALUE.test(value);
}

/** The `content-type` line of a type that is known to be valid. */
export function contentTypeLine(type: string): string {
  return type === '' ? '' : `content-type: ${type}\r\n`;
}

export const TEXT_LINE = contentTypeLine('text/plain;charset=UTF-8');
export const JSON_LINE = contentTypeLine('application/json');

/**
 * The lines of a headers init in the order given. Fast path.
 * @param init what was given as `headers`
 * @param typeLine a `content-type` line to add when the init has none, or ''
 * @returns null when the init is not plain (the real class shall look at it) or names a special field
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
  // Faster than Object.keys(), and right as long as nobody adds to Object.prototype, hence the look.
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

/** A Headers object of the lines from `start` to the end of the text or an empty line. */
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

/** Makes `to` say what `from` says. */
export function copyHeaders(from: Headers, to: Headers): void {
  if (from === to) return;
  for (const name of [...to.keys()]) to.delete(name);
  for (const [name, value] of from) to.append(name, value);
}

/** What a set of header fields says to the connection. */
interface SentFields {
  /** Lines without those that the runtime owns. */
  headers: string;
  /** Bytes; -1 when the fields do not say. */
  contentLength: number;
  close: boolean;
}

/**
 * Turns a Headers object into what is sent. `set-cookie` fields stay separate, as iteration gives them so.
 * @throws TypeError when a value cannot be sent: undici does not look at those that it sets itself
 */
export function sentFieldsOf(fields: Iterable<[string, string]>): SentFields {
  const sent: SentFields = { headers: '', contentLength: -1, close: false };
  for (const [name, value] of fields) {
    if (!OWNED.has(name)) {
      if (UNSENDABLE.test(value)) throw new TypeError(`The value of the header field ${name} cannot be sent`);
      sent.headers += `${name}: ${value}\r\n`;
    } else if (name === 'content-length') {
      // More digits than a safe integer has, or two lengths joined, say nothing; the runtime then counts by itself.
      if (/^\d{1,15}$/.test(value)) sent.contentLength = Number(value);
    } else if (name === 'connection') {
      sent.close = /(?:^|,)\s*close\s*(?:,|$)/i.test(value);
    }
  }
  return sent;
}
