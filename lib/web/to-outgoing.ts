/** Converts what a handler returned into what the connection writes. */
import { PacelineError } from '../errors.js';
import { contentTypeLine, JSON_LINE, TEXT_LINE } from './header-lines.js';
import { lightOutgoing, outgoingOf } from './light-response.js';
import type { Outgoing } from './outgoing.js';
import { noteBody, noteHeaders } from './proxied-response.js';
import { isSendableStatus } from './response-state.js';
import { RealResponse } from './web-globals.js';

const BYTES_LINE = contentTypeLine('application/octet-stream');

/**
 * Turns a handler's result into a response.
 *
 * @param result a Response, a string, bytes, an object or array for JSON; for a promise, its fulfilment value
 * @throws PacelineError `PACELINE_APP_SHAPE` for any other value, and for a Response whose body has been read; and whatever
 * the app's own getters throw
 */
export function toOutgoing(result: unknown): Outgoing {
  if (typeof result === 'string') return shorthand(TEXT_LINE, result);
  if (typeof result !== 'object' || result === null) throw badShape(result);
  return fromLight(result) ?? fromObject(result);
}

function fromLight(result: object): Outgoing | null {
  let outgoing: Outgoing | null;
  try {
    outgoing = lightOutgoing(result);
  } catch (cause) {
    throw new PacelineError('PACELINE_APP_SHAPE', USED, { cause });
  }
  if (outgoing?.status === 0) throw new PacelineError('PACELINE_APP_SHAPE', NETWORK_ERROR);
  return outgoing;
}

function fromObject(result: object): Outgoing {
  if (result instanceof RealResponse || Object.prototype.toString.call(result) === '[object Response]') {
    return fromOther(result as Response);
  }
  if (ArrayBuffer.isView(result)) {
    // Copied, as a Response would: the app may fill or transfer the buffer before all of it is sent.
    const { buffer, byteOffset, byteLength } = result;
    return shorthand(BYTES_LINE, new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength)));
  }
  if (result instanceof ArrayBuffer) return shorthand(BYTES_LINE, new Uint8Array(result.slice(0)));
  const text = isData(result) ? JSON.stringify(result) : undefined;
  if (text === undefined) throw badShape(result);
  return shorthand(JSON_LINE, text);
}

function shorthand(headers: string, body: string | Uint8Array): Outgoing {
  return { status: 200, statusText: '', headers, contentLength: -1, close: false, body };
}

/**
 * A Response of fetch(), or of another library: undici from npm, node-fetch, a ponyfill, another server's light class. Its
 * properties are not known to be valid, so they go through the constructor.
 */
function fromOther(response: Response): Outgoing {
  const { status, statusText, url, headers, bodyUsed } = response;
  const body = asStream(response.body);
  if (bodyUsed || body?.locked) throw new PacelineError('PACELINE_APP_SHAPE', USED);
  if (!isSendableStatus(status)) throw new PacelineError('PACELINE_APP_SHAPE', NETWORK_ERROR);
  // Already done for Node's own fetch(). Those of other libraries keep the same fields in the same way.
  noteHeaders(headers, url);
  if (body !== null) noteBody(body, url, headers);
  return outgoingOf(body, { status, statusText, headers });
}

/** Other libraries use stream classes of their own, or those of node:stream. */
function asStream(body: unknown): ReadableStream | null {
  if (body === null || body === undefined) return null;
  return body instanceof ReadableStream ? body : ReadableStream.from(body as AsyncIterable<unknown>);
}

/** Plain objects, arrays, and objects with toJSON(). Not a Map or an Error, which would become `{}`. */
function isData(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return true;
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

const USED =
  'the body of the Response that the handler returned has been read or is being read; return response.clone() taken before, or a new Response for each request';
const NETWORK_ERROR =
  'the handler returned Response.error(), which has no status to send; return a Response with a status from 200 to 599';

function badShape(result: unknown): PacelineError {
  const what =
    typeof result === 'object' && result !== null
      ? (result.constructor?.name ?? 'an object')
      : String(result);
  return new PacelineError(
    'PACELINE_APP_SHAPE',
    `the handler returned ${what}; it may return a Response, a string, a Uint8Array or ArrayBuffer, a plain object or array (sent as JSON), or a promise of one of these`,
  );
}
