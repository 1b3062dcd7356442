/** Requests whose answers are known in advance. */
import { oneOf, type Random } from '../../spec/support/random.js';
import type { Answer } from '../../spec/support/server/http-client.js';
import { content, difference } from './content.js';
import type { Group } from './context.js';

export interface Exchange {
  readonly what: string;
  readonly request: Buffer;
  readonly status: number;
  readonly body: Buffer;
}

/** Seeds of the files `/files/SEED.bin`, which are as long as FILE_BYTES. */
export const FILES = [1, 2, 3];
export const FILE_BYTES = 150_000;

export const LARGE_BYTES = 8 * 1024 * 1024;

const SIZES = [1, 10, 1000, 1000, 20_000, 150_000];
const PLAIN = ['/content', '/content', '/content', '/sleep', '/spin'];
const PLATFORM = ['/wasm', '/wait-async', '/port'];
const ECHOES = ['/echo', '/echo', '/echo-stream'];

export function exchangeOf(random: Random, groups: ReadonlySet<Group>): Exchange {
  const seed = random(2 ** 30);
  const bytes = random(oneOf(random, SIZES));
  switch (random(8)) {
    case 0:
    case 1:
      return echo(random, oneOf(random, ECHOES), content(seed, bytes));
    case 2:
      return get(
        `/stream?seed=${seed}&bytes=${bytes}&chunk=${1 + random(30_000)}&pause=${random(3)}`,
        seed,
        bytes,
      );
    case 3:
      if (groups.has('files')) return file(random);
      break;
    case 4:
      if (groups.has('platform')) return get(query(oneOf(random, PLATFORM), seed, bytes), seed, bytes);
      break;
    case 5:
      if (groups.has('scopes')) return get(query('/enter', seed, bytes), seed, bytes);
      break;
    default:
  }
  return get(`${query(oneOf(random, PLAIN), seed, bytes)}&ms=${random(4)}`, seed, bytes);
}

/** An answer too large for the kernel's buffers, for a client that does not read. */
export function largeExchange(random: Random): Exchange {
  const seed = random(2 ** 30);
  return get(query('/content', seed, LARGE_BYTES), seed, LARGE_BYTES);
}

/** The same as the last request of its connection. */
export const withClose = (exchange: Exchange): Exchange => ({
  ...exchange,
  request: Buffer.from(
    exchange.request.toString('latin1').replace('\r\n', '\r\nconnection: close\r\n'),
    'latin1',
  ),
});

/** What is wrong with an answer; undefined for nothing. */
export function check({ what, status, body }: Exchange, answer: Answer): string | undefined {
  if (answer.status !== status) return `${what}: ${answer.status}, ${answer.text.slice(0, 100)}`;
  const found = difference(body, answer.body);
  return found === undefined ? undefined : `${what}: ${found}: ${answer.text.slice(0, 100)}`;
}

const query = (path: string, seed: number, bytes: number): string => `${path}?seed=${seed}&bytes=${bytes}`;

const head = (line: string, ...fields: string[]): Buffer =>
  Buffer.from(`${[`${line} HTTP/1.1`, 'host: test', ...fields].join('\r\n')}\r\n\r\n`, 'latin1');

function get(target: string, seed: number, bytes: number): Exchange {
  return { what: `GET ${target}`, request: head(`GET ${target}`), status: 200, body: content(seed, bytes) };
}

function file(random: Random): Exchange {
  const seed = oneOf(random, FILES);
  const target = `GET /files/${seed}.bin`;
  if (random(2) === 0)
    return { what: target, request: head(target), status: 200, body: content(seed, FILE_BYTES) };
  const from = random(FILE_BYTES);
  const to = from + random(FILE_BYTES - from);
  return {
    what: `${target}, ${from} to ${to}`,
    request: head(target, `range: bytes=${from}-${to}`),
    status: 206,
    body: content(seed, to - from + 1, from),
  };
}

function echo(random: Random, path: string, body: Buffer): Exchange {
  const what = `POST ${path} of ${body.length}`;
  const result = { status: 200, body };
  if (random(2) === 0) {
    const sized = head(`POST ${path}`, `content-length: ${body.length}`);
    return { ...result, what, request: Buffer.concat([sized, body]) };
  }
  const parts = [head(`POST ${path}`, 'transfer-encoding: chunked')];
  for (let at = 0; at < body.length; ) {
    const chunk = body.subarray(at, at + 1 + random(20_000));
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
    at += chunk.length;
  }
  parts.push(Buffer.from('0\r\n\r\n'));
  return { ...result, what: `${what} in chunks`, request: Buffer.concat(parts) };
}
