/**
 * What a light Headers object keeps: the lines of a head while they are only looked at, or a list of fields.
 *
 *   text   --a change, iteration, more than MAX_LINES lines--> list
 *
 * In the text a field is found by its lines. The list has the fields in the order in which they were given, one entry for
 * each line or append(), and is sorted and combined when it is iterated.
 */
import { types } from 'node:util';
import { type FieldName, nameIn, nameOf } from './field-names.js';
import { isSendable, SentFields } from './header-lines.js';

interface Field {
  readonly name: FieldName;
  /** Valid, and without white space around it. */
  readonly value: string;
}

const COLON = 0x3a;
const CASE_BIT = 0x20;
const LETTER_A = 0x61;
const LETTER_Z = 0x7a;

/** Up to this many fields insertion beats Array.sort(). */
const FEW = 32;

/**
 * Where the lines of the text that was last looked into start, and the end of the last one. Handlers look for several fields
 * of one request in a row.
 */
const MAX_LINES = 64;
const starts = new Uint32Array(MAX_LINES + 1);
let lines = 0;
let indexed: HeadersState | null = null;

export class HeadersState {
  /** Lines up to an empty one or the end of the text, while #fields is null. */
  readonly #text: string;
  readonly #start: number;
  #fields: Field[] | null = null;
  #sorted: readonly Field[] | null = null;
  /** The text has the fields as they are, and can be sent. */
  #sendable = false;
  /** Whether the fields cannot be changed. */
  readonly fixed: boolean;
  #changed = false;

  private constructor(text: string, start: number, fixed: boolean) {
    this.#text = text;
    this.#start = start;
    this.fixed = fixed;
  }

  /** Of a head that the parser has accepted; the lines start at `start`. */
  static received(text: string, start: number): HeadersState {
    return new HeadersState(text, start, false);
  }

  /** Of lines that can be sent. */
  static ofLines(text: string, fixed: boolean): HeadersState {
    const state = new HeadersState(text, 0, fixed);
    state.#sendable = true;
    return state;
  }

  /** For `new Headers(init)`; null when the init is not plain: the real class must parse it, or refuse it. */
  static made(init: unknown): HeadersState | null {
    const state = new HeadersState('', 0, false);
    state.#fields = [];
    if (init === undefined) return state;
    if (typeof init !== 'object' || init === null || types.isProxy(init)) return null;
    const prototype = Object.getPrototypeOf(init);
    if (prototype === Object.prototype) {
      return state.#addRecord(init as Record<string, unknown>) ? state : null;
    }
    return prototype === Array.prototype && state.#addPairs(init as unknown[]) ? state : null;
  }

  /** The same fields, which can be changed. */
  copy(): HeadersState {
    const copy = new HeadersState(this.#text, this.#start, false);
    copy.#fields = this.#fields === null ? null : this.#fields.slice();
    copy.#sorted = this.#sorted;
    copy.#sendable = this.#sendable;
    return copy;
  }

  /** Whether anything was set, appended or deleted. */
  get isChanged(): boolean {
    return this.#changed;
  }

  /** @param name in any case @returns the combined value; null when there is no such field, or no such name */
  get(name: string): string | null {
    return this.#fields === null ? this.#find(name) : this.#combined(nameOf(name)?.lower);
  }

  has(name: string): boolean {
    if (this.#fields === null) return this.#find(name) !== null;
    const lower = nameOf(name)?.lower;
    return lower !== undefined && indexOf(this.#fields, lower, 0) >= 0;
  }

  append(name: FieldName, value: string): void {
    this.#change().push({ name, value });
  }

  /** The field keeps its place. */
  set(name: FieldName, value: string): void {
    const fields = this.#change();
    const at = indexOf(fields, name.lower, 0);
    if (at < 0) {
      fields.push({ name, value });
      return;
    }
    fields[at] = { name, value };
    removeFrom(fields, name.lower, at + 1);
  }

  delete(name: FieldName): void {
    removeFrom(this.#change(), name.lower, 0);
  }

  /** The values of `set-cookie`. */
  cookies(): string[] {
    return this.fields()
      .filter(({ name }) => name.lower === 'set-cookie')
      .map(({ value }) => value);
  }

  /** In the order in which they were given, not combined. */
  fields(): readonly Field[] {
    return this.#list();
  }

  /** As they are iterated (Fetch standard, "sort and combine"): the same array until the fields change. */
  sorted(): readonly Field[] {
    if (this.#sorted === null) this.#sorted = combined(sort(this.#list().slice()));
    return this.#sorted;
  }

  sent(): SentFields {
    const sent = new SentFields();
    if (this.#sendable) sent.lines = this.#text;
    else for (const { name, value } of this.#list()) sent.add(name, value);
    return sent;
  }

  #list(): Field[] {
    if (this.#fields === null) this.#fields = parse(this.#text, this.#start);
    return this.#fields;
  }

  #change(): Field[] {
    this.#changed = true;
    this.#sorted = null;
    this.#sendable = false;
    return this.#list();
  }

  #combined(lower: string | undefined): string | null {
    const fields = this.#fields!;
    let found: string | null = null;
    for (let at = 0; at < fields.length; at++) {
      const { name, value } = fields[at]!;
      if (name.lower === lower) found = found === null ? value : join(lower, found, value);
    }
    return found;
  }

  /** Looks into the text. */
  #find(wanted: string): string | null {
    const text = this.#text;
    if (indexed !== this && !this.#index()) {
      this.#list();
      return this.get(wanted);
    }
    const { length } = wanted;
    let found: string | null = null;
    for (let line = 0; line < lines; line++) {
      const at = starts[line]!;
      if (text.charCodeAt(at + length) !== COLON || !matches(text, at, wanted)) continue;
      // No name, but what stands before another colon of the line.
      if (wanted.includes(':')) return null;
      const value = trimmed(text, at + length + 1, starts[line + 1]! - 2);
      found = found === null ? value : join(wanted.toLowerCase(), found, value);
    }
    return found;
  }

  /** @returns false when there are too many lines */
  #index(): boolean {
    const text = this.#text;
    let at = this.#start;
    let count = 0;
    // Also where there are too many lines, the table is no longer the last one's.
    indexed = null;
    for (;;) {
      starts[count] = at;
      // One character, which is faster than two: there is none inside of a line.
      const end = text.indexOf('\n', at);
      if (end <= at + 1) break;
      if (count === MAX_LINES) return false;
      count++;
      at = end + 1;
    }
    lines = count;
    indexed = this;
    return true;
  }

  #addRecord(record: Record<string, unknown>): boolean {
    if (Symbol.iterator in record || Object.getOwnPropertySymbols(record).length > 0) return false;
    for (const key in record) {
      if (!Object.hasOwn(record, key)) continue;
      if (key === '__proto__' || !this.#add(key, record[key])) return false;
    }
    return true;
  }

  #addPairs(pairs: unknown[]): boolean {
    for (const pair of pairs) {
      if (!Array.isArray(pair) || pair.length !== 2 || !this.#add(pair[0], pair[1])) return false;
    }
    return true;
  }

  #add(key: unknown, given: unknown): boolean {
    if (typeof key !== 'string' || typeof given !== 'string') return false;
    const name = nameOf(key);
    const value = normalized(given);
    if (name === null || value === null) return false;
    this.#fields!.push({ name, value });
    return true;
  }
}

/** The value without the white space around it; null when it is invalid (Fetch standard, "normalize" and "header value"). */
export function normalized(value: string): string | null {
  const text = trimmed(value, 0, value.length);
  return isSendable(text) ? text : null;
}

/** What the Fetch standard removes around a value ("HTTP whitespace byte"). */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  return text.substring(from, to);
}

/** Whether the name is at `start` of the text, in any case. */
function matches(text: string, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const a = text.charCodeAt(start + at);
    const b = name.charCodeAt(at);
    if (a === b) continue;
    const lower = a | CASE_BIT;
    if (lower !== (b | CASE_BIT) || lower < LETTER_A || lower > LETTER_Z) return false;
  }
  return true;
}

function parse(text: string, start: number): Field[] {
  const fields: Field[] = [];
  let at = start;
  for (;;) {
    const end = text.indexOf('\n', at);
    if (end <= at + 1) return fields;
    const colon = text.indexOf(':', at);
    fields.push({ name: nameIn(text, at, colon), value: trimmed(text, colon + 1, end - 1) });
    at = end + 1;
  }
}

/** Two values of one field; undici gives cookies the separator of RFC 9113, 8.2.3. */
function join(lower: string, first: string, second: string): string {
  return lower === 'cookie' ? `${first}; ${second}` : `${first}, ${second}`;
}

function indexOf(fields: readonly Field[], lower: string, from: number): number {
  for (let at = from; at < fields.length; at++) if (fields[at]!.name.lower === lower) return at;
  return -1;
}

function removeFrom(fields: Field[], lower: string, from: number): void {
  const first = indexOf(fields, lower, from);
  if (first < 0) return;
  let to = first;
  for (let at = first + 1; at < fields.length; at++) {
    if (fields[at]!.name.lower !== lower) fields[to++] = fields[at]!;
  }
  fields.length = to;
}

/** Sorts by name, in place; stable. */
function sort(fields: Field[]): Field[] {
  if (fields.length > FEW) {
    return fields.sort((a, b) => (a.name.lower === b.name.lower ? 0 : a.name.lower < b.name.lower ? -1 : 1));
  }
  for (let at = 1; at < fields.length; at++) {
    const field = fields[at]!;
    const { lower } = field.name;
    let to = at;
    for (; to > 0 && fields[to - 1]!.name.lower > lower; to--) fields[to] = fields[to - 1]!;
    fields[to] = field;
  }
  return fields;
}

/** Combines neighbours of the same name, in place. */
function combined(fields: Field[]): Field[] {
  let last = 0;
  for (let at = 1; at < fields.length; at++) {
    const field = fields[at]!;
    const before = fields[last]!;
    const { lower } = field.name;
    if (lower === before.name.lower && lower !== 'set-cookie') {
      fields[last] = { name: before.name, value: join(lower, before.value, field.value) };
    } else {
      fields[++last] = field;
    }
  }
  fields.length = Math.min(fields.length, last + 1);
  return fields;
}
