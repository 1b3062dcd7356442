/** The dashboard's answers, and the header fields that each of them has. */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The page may load and connect to this server only, must not be framed, and must not submit forms. Images may come from
 * data: and blob: URLs because the page draws some itself.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const PLAIN = 'text/plain; charset=utf-8';

export const content = (type: string, body: string | Buffer, headers: Answer['headers'] = {}): Answer => ({
  status: 200,
  body,
  headers: { 'content-type': type, ...headers },
});

/** An answer of one sentence. */
export const sentence = (status: number, text: string, headers: Answer['headers'] = {}): Answer => ({
  status,
  body: `${text}\n`,
  headers: { 'content-type': PLAIN, ...headers },
});

export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, headersOf(answer));
  if (request.method === 'HEAD') response.end();
  else response.end(answer.body);
}

/**
 * A response on a socket that node:http has released because the request asked for an upgrade. The connection ends after it.
 * node:http has removed its own listeners from the socket, so this function does what they do for a response.
 */
export function responseOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  // The client may have disconnected already; there is nothing to do then.
  socket.on('error', () => {});
  socket.on('drain', () => response.emit('drain'));
  // Not destroySoon(): where the request has a body, Node.js 26 gives a stream for the upgrade that has none.
  response.once('finish', () => socket.end(() => socket.destroy()));
  response.assignSocket(socket);
  return response;
}

const headersOf = ({ headers, body }: Answer): Record<string, string> => ({
  ...COMMON_HEADERS,
  ...headers,
  'content-length': String(Buffer.byteLength(body)),
});
