/**
 * The names of header fields: what is known about each is found out once and shared by all messages. Names come from apps, a
 * handful, and from clients, which choose them, so both tables are bounded.
 */

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

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

/** A name in one spelling. */
export interface FieldName {
  /** As it was written. */
  readonly given: string;
  readonly lower: string;
  /** The start of a line: the lower-case name, colon and space. */
  readonly prefix: string;
  /** Whether the runtime owns the field. */
  readonly owned: boolean;
  /** Whether it is owned, a field that a proxy may have to remove, or a name that undici drops from a record. */
  readonly special: boolean;
  /** The last value of a Response's init, and its line. */
  value: string;
  line: string;
}

/** Full tables are emptied: names that are in use come back at once. */
const MAX_NAMES = 512;
/** Longer names are not kept. */
const MAX_LENGTH = 64;
const names = new Map<string, FieldName>();

/** @returns null when the text is no field name. Fast path */
export function nameOf(text: string): FieldName | null {
  const known = names.get(text);
  if (known !== undefined) return known;
  return TOKEN.test(text) ? learn(text) : null;
}

function learn(text: string): FieldName {
  // A copy: the text may be a part of a whole head, which would be kept with it.
  const given = Buffer.from(text, 'latin1').toString('latin1');
  const lower = given.toLowerCase();
  const owned = OWNED.has(lower);
  const special = owned || lower.startsWith('proxy-') || lower === '__proto__';
  const prefix = `${lower}: `;
  const name = { given, lower, prefix, owned, special, value: '', line: `${prefix}\r\n` };
  if (given.length > MAX_LENGTH) return name;
  if (names.size >= MAX_NAMES) names.clear();
  names.set(given, name);
  return name;
}

/** Names in received text, by a few of their characters, so that no string is made to look one up. A power of two. */
const SLOTS = 256;
const slots = new Array<FieldName>(SLOTS).fill(learn('host'));

/** The name at [start, end) of the text, which is known to be valid and not empty. Fast path */
export function nameIn(text: string, start: number, end: number): FieldName {
  const length = end - start;
  const middle = text.charCodeAt(start + (length >> 1));
  const slot =
    (length * 37 + text.charCodeAt(start) * 11 + middle + text.charCodeAt(end - 1) * 5) & (SLOTS - 1);
  const known = slots[slot]!;
  if (known.given.length === length && matches(text, start, known.given)) return known;
  const name = nameOf(text.substring(start, end))!;
  if (length <= MAX_LENGTH) slots[slot] = name;
  return name;
}

/** A loop is faster than startsWith(). */
function matches(text: string, start: number, part: string): boolean {
  for (let at = 0; at < part.length; at++) {
    if (text.charCodeAt(start + at) !== part.charCodeAt(at)) return false;
  }
  return true;
}
