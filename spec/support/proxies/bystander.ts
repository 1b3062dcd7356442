/** The requests of a client that has nothing to do with an attack, each with its one correct answer. */
import { oneOf, type Random } from '../random.js';
import type { Answer } from '../server/http-client.js';
import { bodyOf } from './app.js';

export interface Exchange {
  readonly what: string;
  /** The request, in the pieces in which it is sent. */
  readonly pieces: readonly string[];
  /** What is wrong with the answer; undefined for nothing. */
  readonly check: (answer: Answer) => string | undefined;
}

const HOST = 'host: bystander';
const SIZES = [0, 10, 300, 5000, 70_000];

/** A request with this token, of one of several kinds. */
export function exchangeOf(random: Random, token: string): Exchange {
  const bytes = oneOf(random, SIZES);
  const body = bodyOf(token, bytes);
  switch (random(6)) {
    case 0:
      return get('/stream', token, bytes);
    case 1:
      return sent(token, [`content-length: ${bytes}`, body], body);
    case 2: {
      const half = Math.floor(bytes / 2);
      return sent(
        token,
        ['transfer-encoding: chunked', chunked(body.slice(0, half), body.slice(half))],
        body,
      );
    }
    case 3: {
      // The server has to save the first piece of a head.
      const { pieces, ...rest } = get('/say', token, bytes);
      const at = 20 + random(10);
      return { ...rest, pieces: [pieces[0]!.slice(0, at), pieces[0]!.slice(at)] };
    }
    case 4:
      return sent(token, ['content-length: 0', ''], '');
    default:
      return get('/say', token, bytes);
  }
}

function get(path: string, token: string, bytes: number): Exchange {
  const target = `${path}?t=${token}&bytes=${bytes}`;
  return {
    what: `GET ${target}`,
    pieces: [`GET ${target} HTTP/1.1\r\n${HOST}\r\n\r\n`],
    check: checkFor(token, bodyOf(token, bytes)),
  };
}

function sent(token: string, [framing, content]: [string, string], body: string): Exchange {
  const line = `POST /echo?t=${token} HTTP/1.1`;
  return {
    what: `${line}, ${framing}`,
    pieces: [`${line}\r\n${HOST}\r\n${framing}\r\n\r\n${content}`],
    check: checkFor(token, body),
  };
}

const chunked = (...parts: string[]): string =>
  [...parts.filter((part) => part !== ''), '']
    .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    .join('');

const checkFor =
  (token: string, body: string) =>
  ({ status, headers, text }: Answer): string | undefined => {
    if (status !== 200) return `${status}: ${text.slice(0, 100)}`;
    if (headers.get('x-token') !== token) return `the answer of ${headers.get('x-token')}`;
    if (text === body) return undefined;
    return `${text.length} bytes instead of ${body.length}: ${JSON.stringify(text.slice(0, 100))}`;
  };
