// Requests as browsers and programs send them, none twice: their bytes for the bench's own client, and scripts that make wrk
// generate the same ones. Nothing repeats from one request to the next, so a cache of the last URL, head or answer gains nothing.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './children.js';
import { requestFor } from './connection.js';

/** What a request asks for. */
export type RequestKind = 'hello' | 'real-get' | 'real-post' | 'html';

/** Requests that differ in their number, from 1. */
export interface RequestMaker {
  readonly method: 'GET' | 'POST';
  readonly pathOf: (number: number) => string;
  readonly bodyOf?: (number: number) => string;
  readonly fields: string;
}

/** The ten fields of a browser's navigation; some 500 bytes. */
export const BROWSER_FIELDS: Readonly<Record<string, string>> = {
  Host: '127.0.0.1',
  'Cache-Control': 'max-age=0',
  'Upgrade-Insecure-Requests': '1',
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'navigate',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.7',
  Cookie: 'session=5b1f0c7e9a3d42688d0f6e2b7c914a55; theme=light; visits=17; consent=1.1700000000.2',
};
const PROGRAM_FIELDS: Readonly<Record<string, string>> = {
  Host: '127.0.0.1',
  'User-Agent': 'shop-client/2.4',
  Accept: 'application/json',
  'Content-Type': 'application/json',
};

/** Identifiers neither follow each other nor repeat before all of them have been used; all have seven digits. */
const FIRST_ID = 1_000_000;
const IDS = 1_000_003;
const ID_STEP = 7919;
const ITEMS = 24;

const idOf = (number: number) => FIRST_ID + ((number * ID_STEP) % IDS);
const lines = (fields: Readonly<Record<string, string>>) =>
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
const items = Array.from(
  { length: ITEMS },
  (_, index) => `{"sku":"sku-${index + 100}","price":${(index * 2.75 + 1.25).toFixed(2)},"qty":${index + 1}}`,
).join();

/** The makers; hello's requests are all the same. */
export const REQUESTS: Readonly<Record<RequestKind, RequestMaker>> = {
  hello: { method: 'GET', pathOf: () => '/hello', fields: lines({ Host: '127.0.0.1' }) },
  'real-get': {
    method: 'GET',
    pathOf: (number) => `/products/${idOf(number)}?list=${number}`,
    fields: lines(BROWSER_FIELDS),
  },
  'real-post': {
    method: 'POST',
    pathOf: () => '/orders',
    bodyOf: (number) => `{"customer":${idOf(number)},"items":[${items}]}`,
    fields: lines(PROGRAM_FIELDS),
  },
  html: {
    method: 'GET',
    pathOf: (number) => `/shelves/${idOf(number)}?q=${number}`,
    fields: lines(BROWSER_FIELDS),
  },
};

/** The bytes of the request of a number. */
export function bytesOf(kind: RequestKind, number: number): Buffer {
  if (kind === 'hello') return requestFor('/hello');
  const { method, pathOf, bodyOf, fields } = REQUESTS[kind];
  const body = bodyOf?.(number);
  const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(`${method} ${pathOf(number)} HTTP/1.1\r\n${fields}${length}\r\n${body ?? ''}`, 'latin1');
}

const PIPELINED = 16;

let folder: string | undefined;

/** The file of a script of wrk that sends a kind of requests, or bursts of {@link PIPELINED} requests of hello. */
export function wrkScript(kind: Exclude<RequestKind, 'hello'> | 'pipelined'): string {
  folder ??= temporaryDirectory();
  const file = join(folder, `${kind}.lua`);
  writeFileSync(file, kind === 'pipelined' ? pipelinedScript() : countingScript(kind));
  return file;
}

/**
 * The request is put together from text with its number in it, because wrk shares the processors with the server: its own
 * function for that walks through a table of the fields for each request.
 */
function countingScript(kind: Exclude<RequestKind, 'hello'>): string {
  // A number that occurs nowhere else in the text: what surrounds it, and its identifier, is the same for all numbers.
  const sample = 987_654;
  const text = bytesOf(kind, sample).toString('latin1');
  const parts = text
    .split(new RegExp(`(${idOf(sample)}|${sample})`))
    .filter((part) => part !== '')
    .map((part) => (part === `${idOf(sample)}` ? 'id' : part === `${sample}` ? 'number' : luaString(part)));
  return `local number = 0
request = function()
  number = number + 1
  local id = string.format("%d", ${FIRST_ID} + number * ${ID_STEP} % ${IDS})
  return ${parts.join(' .. ')}
end
`;
}

function pipelinedScript(): string {
  const burst = bytesOf('hello', 1).toString('latin1').repeat(PIPELINED);
  return `local burst = ${luaString(burst)}
request = function() return burst end
`;
}

/** The escapes of JSON that occur in requests are those of Lua. */
function luaString(text: string): string {
  return JSON.stringify(text);
}
