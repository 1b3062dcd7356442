/** Requests by fetch, and what is compared of their answers. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { range } from '../server/wait.js';

/** Longer texts are compared by their digest, so that a failure can be read. */
const MAX_TEXT = 1000;
/** Of each request; a hang is to fail its check. */
const TIMEOUT_MS = 30_000;
/** Two requests at once would share a thread's connection otherwise; far more than there are threads. */
const AT_ONCE = 16;

export interface Answer {
  readonly status: number;
  /** Sorted by name, without the time; what differs from run to run is replaced by a star. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** An answer, with redirections as they come. `hide`: patterns that are replaced in the values of headers. */
export async function ask(url: string, init: RequestInit = {}, hide?: RegExp): Promise<Answer> {
  const response = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...init,
  });
  const body = Buffer.from(await response.arrayBuffer());
  const headers = [...response.headers]
    .filter(([name]) => name !== 'date')
    .map(([name, value]) => [name, hide === undefined ? value : value.replace(hide, '*')] as const);
  return { status: response.status, headers, body: textOf(body) };
}

/** The parsed body of an answer with this status. */
export async function json<T>(url: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** Many at once, so that all threads have some. @returns the different answers */
export async function together<T>(count: number, one: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const indices = range(Math.min(AT_ONCE, count - from)).map((index) => from + index);
    results.push(...(await Promise.all(indices.map(one))));
  }
  return results;
}

/** An answer's header, or an empty text. */
export const header = ({ headers }: Answer, wanted: string): string =>
  headers.find(([name]) => name === wanted)?.[1] ?? '';

/**
 * The fields of a request for what has changed. With a `cache-control` of its own, as fetch adds `no-cache` otherwise, for which
 * servers send all again.
 */
export const unlessStill = (known: Answer): Record<string, string> => ({
  'if-none-match': header(known, 'etag'),
  'cache-control': 'max-age=0',
});

/** The name and value of a cookie that a response sets, as a request sends them. */
export const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface Upload {
  readonly form: FormData;
  readonly sent: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
}

/** A form with files of random bytes. */
export function uploadOf(
  field: string,
  sizes: readonly number[],
  fields: Record<string, string> = {},
): Upload {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const sent = sizes.map((size, index) => {
    const bytes = randomBytes(size);
    const name = `file ${index}.bin`;
    form.append(field, new Blob([bytes], { type: 'application/x-random' }), name);
    return { name, size, sha256: sha256(bytes) };
  });
  return { form, sent };
}

/** A body in pieces, with time for the server between them. */
export function pieces(texts: readonly string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let index = 0;
  return new ReadableStream({
    async pull(controller) {
      await pause(5);
      const text = texts[index++];
      if (text === undefined) controller.close();
      else controller.enqueue(encoder.encode(text));
    },
  });
}

function textOf(body: Buffer): string {
  const text = body.toString();
  return text.length <= MAX_TEXT ? text : `${body.length} bytes, ${sha256(body)}`;
}
