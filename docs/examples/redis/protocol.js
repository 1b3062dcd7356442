/** The Redis serialization protocol, versions 2 and 3: https://redis.io/docs/latest/develop/reference/protocol-spec/ */

/** What a command may have in all. */
const MAX_COMMAND_BYTES = 1024 * 1024;
const MAX_WORDS = 1024;

/** Ends the connection: what follows the mistake cannot be told from data. */
export class ProtocolError extends Error {
  constructor(message) {
    super(`ERR Protocol error: ${message}`);
  }
}

/** A reply that is one word, such as OK. */
export class Status {
  constructor(text) {
    this.text = text;
  }
}
export const OK = new Status('OK');

/**
 * Reads one command: an array of bulk strings (`*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`), or a line of words, as people type it (`GET k\r\n`).
 *
 * A command of which only a part has arrived is read again from its start when more has: simple, and good enough for small ones.
 *
 * @returns its words and where the next command begins; null where it is incomplete
 * @throws ProtocolError
 */
export function readCommand(input, start) {
  const command = input[start] === ARRAY ? readArray(input, start) : readInline(input, start);
  if (command === null && input.length - start > MAX_COMMAND_BYTES)
    throw new ProtocolError('too big command');
  return command;
}

const ARRAY = '*'.charCodeAt(0);
const BULK = '$'.charCodeAt(0);

function readInline(input, start) {
  const line = readLine(input, start);
  if (line === null) return null;
  const words = line.text.split(/\s+/).filter((word) => word !== '');
  return { words: words.map((word) => Buffer.from(word, 'latin1')), end: line.end };
}

function readArray(input, start) {
  const count = readLength(input, start, MAX_WORDS, 'multibulk');
  if (count === null) return null;
  const words = [];
  let at = count.end;
  while (words.length < count.value) {
    if (at === input.length) return null;
    if (input[at] !== BULK) throw new ProtocolError(`expected '$', got '${String.fromCharCode(input[at])}'`);
    const length = readLength(input, at, MAX_COMMAND_BYTES, 'bulk');
    if (length === null) return null;
    const end = length.end + length.value;
    if (input.length < end + 2) return null;
    words.push(input.subarray(length.end, end));
    at = end + 2;
  }
  return { words, end: at };
}

/** The number in a line such as `$3`. */
function readLength(input, start, max, what) {
  const line = readLine(input, start);
  if (line === null) return null;
  const digits = line.text.slice(1);
  if (!/^\d{1,7}$/.test(digits) || Number(digits) > max) throw new ProtocolError(`invalid ${what} length`);
  return { value: Number(digits), end: line.end };
}

/** A line without its end: CR and LF, or LF alone. */
function readLine(input, start) {
  const lf = input.indexOf('\n', start);
  if (lf === -1) return null;
  return { text: input.toString('latin1', start, lf).replace(/\r$/, ''), end: lf + 1 };
}

/**
 * Encodes a reply.
 *
 * @param value a Status, an Error whose message begins with a code such as ERR, a number, null, a Buffer or string, an array, or a Map
 * @param version 2 or 3: version 2 has no map, and its null is a bulk string without a length
 */
export function encode(value, version) {
  if (value instanceof Status) return Buffer.from(`+${value.text}\r\n`);
  if (value instanceof Error) return Buffer.from(`-${value.message.replace(/[\r\n]/g, ' ')}\r\n`);
  if (value === null) return Buffer.from(version === 3 ? '_\r\n' : '$-1\r\n');
  if (typeof value === 'number') return Buffer.from(`:${value}\r\n`);
  if (Array.isArray(value)) return encodeAll(`*${value.length}`, value, version);
  if (value instanceof Map)
    return encodeAll(version === 3 ? `%${value.size}` : `*${value.size * 2}`, [...value].flat(1), version);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
}

function encodeAll(head, values, version) {
  return Buffer.concat([Buffer.from(`${head}\r\n`), ...values.map((value) => encode(value, version))]);
}
