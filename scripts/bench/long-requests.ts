// Requests whose handlers take their time: one in a hundred that blocks its thread, some milliseconds of computing, a timer.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './children.js';
import { requestFor } from './connection.js';
import { bytesOf, type RequestKind } from './real-requests.js';

export type LongKind = 'blocking' | 'cpu' | 'async';
/** What the open loop requests. */
export type OpenKind = RequestKind | LongKind;

const BLOCK_MS = 20;
const BLOCK_EVERY = 100;
const SLEEP_MS = 5;
/** 2 ms on a core with 3 GHz: 1.6 ns each with V8. */
const WORK_ROUNDS = 1_250_000;

/** As for hashing by multiplication (Knuth, "The Art of Computer Programming", 6.4): the next prime to 2^32 over the golden ratio. */
const SCATTER = 2_654_435_761;
const WORD = 2 ** 32;

/** By the request's number. */
export const PATHS: Readonly<Record<LongKind, (number: number) => string>> = {
  blocking: (number) => (isHeld('blocking', number) ? `/block?ms=${BLOCK_MS}` : '/hello'),
  cpu: () => `/work?rounds=${WORK_ROUNDS}`,
  async: () => `/sleep?ms=${SLEEP_MS}`,
};

export const LONG_TITLES: Readonly<Record<LongKind, string>> = {
  blocking: `1 of ${BLOCK_EVERY} requests blocks its thread for ${BLOCK_MS} ms, the others are GET /hello`,
  cpu: `each request computes ${WORK_ROUNDS} rounds of xorshift32 (some 2 ms)`,
  async: `each request waits ${SLEEP_MS} ms for a timer`,
};

/** The bytes of the request of a number, from 1. */
export function requestOf(kind: OpenKind, number: number): Buffer {
  return isLong(kind) ? requestFor(PATHS[kind](number)) : bytesOf(kind, number);
}

/**
 * Whether the request of a number is one of few that take much longer than the others. They are scattered over the numbers, the
 * same ones in every run, so that now and then two of them come close to each other.
 */
export function isHeld(kind: OpenKind, number: number): boolean {
  return kind === 'blocking' && ((number * SCATTER) % WORD) % BLOCK_EVERY < 1;
}

function isLong(kind: OpenKind): kind is LongKind {
  return kind in PATHS;
}

let script: string | undefined;

/** The file of a script of wrk that sends the requests of `blocking`. LuaJIT's numbers are those of JavaScript. */
export function blockingScript(): string {
  if (script !== undefined) return script;
  script = join(temporaryDirectory(), 'blocking.lua');
  const quoted = (path: string) => JSON.stringify(requestFor(path).toString('latin1'));
  writeFileSync(
    script,
    `local number = 0
local block = ${quoted(`/block?ms=${BLOCK_MS}`)}
local hello = ${quoted('/hello')}
request = function()
  number = number + 1
  if number * ${SCATTER} % ${WORD} % ${BLOCK_EVERY} < 1 then return block end
  return hello
end
`,
  );
  return script;
}
