/** Requests that are refused, as Node tells its apps of them: the event `clientError`, or an answer without it (`socketOnError`). */
import { STATUS_CODES } from 'node:http';

/** The code that Node's parser has for the cause; it has many more than there are answers. */
const CODES: Readonly<Record<number, string>> = {
  408: 'ERR_HTTP_REQUEST_TIMEOUT',
  413: 'HPE_CHUNK_EXTENSIONS_OVERFLOW',
  414: 'HPE_HEADER_OVERFLOW',
  431: 'HPE_HEADER_OVERFLOW',
};
/** The codes of what the parser refuses with 400, by what its reason says. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/method|first byte|empty lines|before the request line/, 'HPE_INVALID_METHOD'],
  [/HTTP version/, 'HPE_INVALID_VERSION'],
  [/request target|authority/, 'HPE_INVALID_URL'],
  [/both Content-Length|Transfer-Encoding|transfer coding/, 'HPE_INVALID_TRANSFER_ENCODING'],
  [/Content-Length given twice/, 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  [/Content-Length/, 'HPE_INVALID_CONTENT_LENGTH'],
  [/chunk/, 'HPE_INVALID_CHUNK_SIZE'],
  [/field|white space|CR without LF/, 'HPE_INVALID_HEADER_TOKEN'],
];
const ANSWERS: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

export interface ClientError extends Error {
  code: string;
  reason?: string;
  bytesParsed?: number;
  rawPacket?: Buffer;
}

/** The error of a request that the parser, or a timeout, has refused with `status`. */
export function refusalError(status: number, reason: string, rawPacket: Buffer): ClientError {
  if (status === 408) return Object.assign(new Error('Request timeout'), { code: CODES[408]! });
  const code = CODES[status] ?? REASONS.find(([text]) => text.test(reason))?.[1] ?? 'HPE_INVALID_CONSTANT';
  return Object.assign(new Error(`Parse Error: ${reason}`), {
    code,
    reason,
    bytesParsed: rawPacket.length,
    rawPacket,
  });
}

/** The client has ended its side in the middle of a request. */
export const unexpectedEnd = (): ClientError =>
  Object.assign(new Error('Parse Error: Invalid EOF state'), {
    code: 'HPE_INVALID_EOF_STATE',
    reason: 'Invalid EOF state',
    bytesParsed: 0,
  });

/** The client has reset the connection. */
export const connectionReset = (): ClientError =>
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104, syscall: 'read' });

/** What a request gets whose connection ends before it is complete. */
export const aborted = (): ClientError => Object.assign(new Error('aborted'), { code: 'ECONNRESET' });

/** What a write gets that was under way when its connection ended. */
export const canceled = (): ClientError => Object.assign(new Error('write ECANCELED'), { code: 'ECANCELED' });

/** Node's answer where the app has no listener. */
export function answerTo({ code }: ClientError): Buffer {
  const status = ANSWERS[code] ?? 400;
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`, 'latin1');
}
