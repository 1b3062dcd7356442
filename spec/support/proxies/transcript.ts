/** Parses all bytes of a connection as a series of answers. */

export interface ParsedAnswer {
  readonly status: number;
  /** The status line and the fields. */
  readonly head: string;
  /** The token of the request that it answers: every answer of the app has it. */
  readonly token: string | undefined;
  readonly body: string;
}

const CR_LF = '\r\n';
const END_OF_HEAD = '\r\n\r\n';
/** A valid field line: a token, a colon, and no control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const FIELD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [^\x00-\x08\x0a-\x1f\x7f]*$/;

/**
 * The final answers in these bytes, in order. The last one may be cut off where `cut` says so.
 *
 * @param heads which of the answers, by number, are to HEAD requests
 * @throws with the bytes that are not part of an answer
 */
export function answersIn(
  bytes: Buffer,
  { heads = [], cut = false }: { heads?: readonly number[]; cut?: boolean } = {},
): ParsedAnswer[] {
  const text = bytes.toString('latin1');
  const answers: ParsedAnswer[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(END_OF_HEAD, at);
    const head = text.slice(at, end < 0 ? undefined : end);
    const status = statusOf(head, end < 0 && cut);
    if (end < 0) {
      if (cut) return answers;
      throw new Error(`a head has no end: ${show(head)}`);
    }
    at = end + END_OF_HEAD.length;
    if (status >= 100 && status < 200 && status !== 101) continue;
    const bodyless = heads.includes(answers.length) || status === 204 || status === 304;
    const { body, next } = bodyless ? { body: '', next: at } : bodyAt(text, at, head, cut);
    answers.push({ status, head, token: fieldOf(head, 'x-token'), body });
    at = next;
  }
  return answers;
}

function statusOf(head: string, cut: boolean): number {
  const [line, ...fields] = head.split(CR_LF);
  const status = STATUS_LINE.exec(line!)?.[1];
  if (cut) return Number(status);
  if (status === undefined) throw new Error(`no answer begins with ${show(head)}`);
  for (const field of fields) if (!FIELD.test(field)) throw new Error(`no field: ${show(field)}`);
  return Number(status);
}

/** The value of a field; undefined where it is not there. */
export function fieldOf(head: string, name: string): string | undefined {
  const line = head.split(CR_LF).find((each) => each.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

function bodyAt(text: string, at: number, head: string, cut: boolean): { body: string; next: number } {
  const length = fieldOf(head, 'content-length');
  const coding = fieldOf(head, 'transfer-encoding');
  if (length !== undefined && coding !== undefined)
    throw new Error(`two framings in one answer: ${show(head)}`);
  if (coding !== undefined) return chunksAt(text, at, cut);
  const next = length === undefined ? text.length : at + Number(length);
  if (next > text.length && !cut)
    throw new Error(`${text.length - at} of ${length} bytes came of ${show(head)}`);
  return { body: text.slice(at, next), next: Math.min(next, text.length) };
}

function chunksAt(text: string, from: number, cut: boolean): { body: string; next: number } {
  let body = '';
  for (let at = from; ; ) {
    const line = text.indexOf(CR_LF, at);
    const digits = text.slice(at, line);
    const size = Number.parseInt(digits, 16);
    const start = line + CR_LF.length;
    const next = start + size;
    const isCut = line < 0 || next + CR_LF.length > text.length;
    if (isCut && cut) return { body, next: text.length };
    if (isCut) throw new Error(`a chunk is cut off: ${show(text.slice(at))}`);
    if (!/^[0-9a-f]+$/i.test(digits)) throw new Error(`no size of a chunk: ${show(text.slice(at))}`);
    if (text.slice(next, next + CR_LF.length) !== CR_LF)
      throw new Error(`a chunk has no end: ${show(text.slice(next))}`);
    body += text.slice(start, next);
    at = next + CR_LF.length;
    if (size === 0) return { body, next: at };
  }
}

/** All tokens in these bytes, wherever they are. */
export function tokensIn(bytes: Buffer): string[] {
  return [...bytes.toString('latin1').matchAll(/x-token: *([\w-]+)/gi)].map(([, token]) => token!);
}

export const show = (text: string): string => JSON.stringify(text.slice(0, 160));
