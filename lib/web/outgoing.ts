/**
 * From what a handler returned to what the connection writes.
 */
import { PacelineError } from '../errors.js';
import type { FileBody } from '../static/file-body.js';
import { contentTypeLine, sentFieldsOf } from './header-lines.js';
import { copyOfResponse, isResponse, lightOutgoing } from './light-response.js';

/** A response, ready to be framed. */
export interface Outgoing {
  /** 200 to 599. */
  status: number;
  /** As the handler gave it; '' for the usual phrase. */
  statusText: string;
  /**
   * Lines `name: value\r\n` in latin1, each valid. Without date, connection, content-length, transfer-encoding and the
   * other fields that belong to the runtime.
   */
  headers: string;
  /** Bytes, as the handler said in a content-length field, or as a file body has; -1 when nobody said. */
  contentLength: number;
  /** Whether the handler wants the connection closed after this. */
  close: boolean;
  /** A string is to be sent as UTF-8. A FileBody is to be closed in the end, whatever becomes of the response. */
  body: null | string | Uint8Array | Blob | FileBody | ReadableStream<Uint8Array>;
}

const TEXT_LINE = contentTypeLine('text/plain;charset=UTF-8');
const BYTES_LINE = contentTypeLine('application/octet-stream');
const JSON_LINE = contentTypeLine('application/json');

/** Codings that undici's fetch undoes, though it leaves the field that names them. */
const DECODED = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'zstd']);

/**
 * Turns a handler's result into a response.
 * @param result a Response, a string, bytes, an object or array for JSON; what a promise of one of these was fulfilled with
 * @throws PacelineError `PACELINE_APP_SHAPE` when it is something else, or a Response whose body has been read; and what the
 * app's own getters throw
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
  if (isResponse(result)) return fromRealResponse(result);
  if (Object.prototype.toString.call(result) === '[object Response]')
    return fromForeignResponse(result as Response);
  if (ArrayBuffer.isView(result)) {
    return shorthand(BYTES_LINE, new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
  }
  if (result instanceof ArrayBuffer) return shorthand(BYTES_LINE, new Uint8Array(result));
  const text = isData(result) ? JSON.stringify(result) : undefined;
  if (text === undefined) throw badShape(result);
  return shorthand(JSON_LINE, text);
}

function shorthand(headers: string, body: string | Uint8Array): Outgoing {
  return { status: 200, statusText: '', headers, contentLength: -1, close: false, body };
}

/** A Response of another library, such as undici from npm. Nothing in it is known to be valid, so it is made anew. */
function fromForeignResponse(response: Response): Outgoing {
  if (response.bodyUsed) throw new PacelineError('PACELINE_APP_SHAPE', USED);
  return fromLight(copyOfResponse(response))!;
}

/** A Response that fetch() made. */
function fromRealResponse(response: Response): Outgoing {
  const { status, statusText, body } = response;
  if (response.bodyUsed || body?.locked) throw new PacelineError('PACELINE_APP_SHAPE', USED);
  if (!isSendable(status)) throw new PacelineError('PACELINE_APP_SHAPE', NETWORK_ERROR);
  const fields = wasDecoded(response) ? withoutCoding(response.headers) : response.headers;
  const { headers, contentLength, close } = sentFieldsOf(fields);
  return { status, statusText, headers, contentLength, close, body };
}

/** A subclass may have getters of its own. */
function isSendable(status: unknown): boolean {
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599;
}

/** Whether the body came from the network and is no longer coded as its headers say. */
function wasDecoded(response: Response): boolean {
  if (response.url === '' || response.body === null) return false;
  const codings = response.headers.get('content-encoding');
  return codings?.split(',').every((coding) => DECODED.has(coding.trim().toLowerCase())) ?? false;
}

function* withoutCoding(headers: Headers): Generator<[string, string]> {
  for (const field of headers) {
    if (field[0] !== 'content-encoding' && field[0] !== 'content-length') yield field;
  }
}

/** Plain objects, arrays, and what says by itself how it is written as JSON. Not a Map or an Error, which give `{}`. */
function isData(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return true;
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

const USED =
  'the body of the Response that the handler returned has been read or is being read; return response.clone() taken before, or a new Response';
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
