/**
 * Attacks with known answers: what each sends, and a check of what it receives. They are carried out behind proxies (suite.ts)
 * and against the server itself (scripts/attack).
 */
import { bodyOf } from './app.js';
import { checkPassedOn, UPSTREAM_CASES } from './hostile-upstream.js';
import { answersIn, fieldOf, show } from './transcript.js';
import { type AttackOptions, ONCE_ANSWERED, type Received } from './user.js';

export interface Attack extends AttackOptions {
  readonly what: string;
  readonly pieces: readonly (string | Uint8Array)[];
  /** What is wrong with the answers; undefined for nothing. @throws where the bytes are not a series of answers */
  readonly check: (received: Received) => string | undefined;
}

/** A request without content, whose answer repeats the token. */
export const get = (path: string, token: string, method = 'GET', version = '1.1'): string =>
  `${method} ${path}${path.includes('?') ? '&' : '?'}t=${token} HTTP/${version}\r\nhost: attacker\r\n\r\n`;

/** Whether so many complete answers have been received. */
export const whole =
  (count: number, heads: readonly number[] = []) =>
  (got: Buffer): boolean => {
    try {
      return answersIn(got, { heads }).length >= count;
    } catch {
      return false;
    }
  };

/**
 * Sends a request with a malformed answer and then an ordinary one, on one connection: the first answer must not reach into
 * the second.
 *
 * @param survives whether the first answer must arrive as it was made, and the connection go on
 * @param checkFirst what else is wrong with the first answer, if it is the app's own
 */
function inStep(
  path: string,
  token: string,
  survives: boolean,
  checkFirst: (head: string, body: string) => string | undefined = () => undefined,
): Attack {
  const next = `${token}-next`;
  const check = ({ bytes }: Received): string | undefined => {
    // Only as a field of its own: as a part of a value it is harmless.
    if (/^x-injected/im.test(bytes.toString('latin1'))) return 'a field was injected';
    const [first, second, ...more] = answersIn(bytes, { cut: true });
    if (first === undefined) return 'no answer';
    if (more.length > 0) return `a third answer: ${show(more[0]!.head)}`;
    if (first.token !== undefined && first.token !== token) return `the answer of ${first.token}`;
    const isOwn = first.token === token && first.status === 200;
    const wrong = isOwn ? checkFirst(first.head, first.body) : undefined;
    if (wrong !== undefined) return wrong;
    if (survives && !isOwn) return `no answer passed on: ${show(first.head)}`;
    if (second === undefined) return survives ? 'the connection did not go on' : undefined;
    const isNext = second.token === next && second.body === bodyOf(next, 100);
    return isNext ? undefined : `next: ${show(second.head)}`;
  };
  return { what: path, pieces: [get(path, token), get('/say?bytes=100', next)], done: whole(2), check };
}

/** Routes that pass on an upstream's answer. */
export const PASSING_ROUTES = ['/upstream', '/upstream-rebuilt'] as const;

/** An answer that the app makes of a hostile upstream's. */
export function passedOn(route: (typeof PASSING_ROUTES)[number], name: string, token: string): Attack {
  const survives = UPSTREAM_CASES[name]!.body !== undefined;
  const attack = inStep(`${route}?case=${name}`, token, survives, (head, body) =>
    checkPassedOn(name, token, head, body),
  );
  return { ...attack, what: `${route} ${name}` };
}

/** A malformed answer of the app's own. */
export function madeWrongly(name: string, token: string): Attack {
  return { ...inStep(`/made?case=${encodeURIComponent(name)}`, token, false), what: `an app's ${name}` };
}

/** Routes that read awaited content or not, and when the content is sent. */
export const EXPECT_ROUTES = ['/reflect', '/ignore', '/late', '/echo'] as const;
export const ARRIVALS = ['at once', 'in pieces', 'once it may', 'never'] as const;

/**
 * Expect: 100-continue, with content that is sent at any time or never, to an app that reads it or answers before.
 *
 * @param split the content in pieces
 */
export function expecting(
  route: (typeof EXPECT_ROUTES)[number],
  arrival: (typeof ARRIVALS)[number],
  token: string,
  content: string,
  split: readonly (string | Uint8Array)[],
): Attack {
  const size = content.length;
  const head = `POST ${route}?t=${token} HTTP/1.1\r\nhost: attacker\r\nexpect: 100-continue\r\ncontent-length: ${size}\r\n\r\n`;
  const pieces = {
    'at once': [head + content],
    'in pieces': [head, ...split],
    'once it may': [head, ONCE_ANSWERED, content],
    never: [head],
  }[arrival];
  const expected = { '/reflect': content, '/echo': content, '/late': `${token} ${size}`, '/ignore': token };
  const never = arrival === 'never';
  const check = ({ bytes }: Received): string | undefined => {
    const [answer, ...more] = answersIn(bytes, { cut: never });
    if (more.length > 0) return `a second answer: ${show(more[0]!.head)}`;
    if (never) return undefined;
    if (answer?.token !== token) return `no answer: ${show(answer?.head ?? '')}`;
    return answer.body === expected[route] ? undefined : `another body: ${show(answer.body)}`;
  };
  const what = `Expect, ${route} with ${size} bytes ${arrival}`;
  return never ? { what, pieces, check } : { what, pieces, check, done: whole(1) };
}

export const ODD_METHODS: readonly string[] = [
  ...['delete', 'Delete', 'get', 'Head', 'pOST', 'options', 'PURGE', 'M-SEARCH', 'patch'],
];

/** A method, which the app must see as it was sent, or not at all. */
export function oddMethod(method: string, token: string): Attack {
  const check = ({ bytes }: Received): string | undefined => {
    const [answer, ...more] = answersIn(bytes);
    if (more.length > 0) return `a second answer: ${show(more[0]!.head)}`;
    const seen = answer === undefined ? undefined : fieldOf(answer.head, 'x-method');
    if (answer === undefined || (seen === undefined && answer.status < 400)) return 'no answer';
    return seen === undefined || seen === method ? undefined : `the app saw ${seen}`;
  };
  return { what: `method ${method}`, pieces: [get('/say', token, method)], done: whole(1), check };
}

/** Answers with content of known length, of unknown length, without content, and with a body that breaks. */
export const HEAD_PATHS: readonly string[] = [
  '/say?bytes=70000',
  '/stream?bytes=9',
  '/null',
  '/unchanged',
  '/nothing',
  '/failing',
  '/none',
  '/upstream?case=connection-close',
];

/** HEAD: no content, and no Content-Length where the length is unknown. */
export function askedByHead(path: string, token: string): Attack {
  const next = `${token}-next`;
  const check = ({ bytes }: Received): string | undefined => {
    const [first, second] = answersIn(bytes, { heads: [0] });
    if (first?.token !== token) return 'no answer';
    if (fieldOf(first.head, 'content-length') === '0') return 'a length of 0';
    return second?.token === next ? undefined : 'the next answer is not the next request’s';
  };
  const pieces = [get(path, token, 'HEAD'), get('/say?bytes=10', next)];
  return { what: `HEAD ${path}`, pieces, done: whole(2, [0]), check };
}
