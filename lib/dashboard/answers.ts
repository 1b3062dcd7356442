/** What the dashboard answers, and the header fields that every answer has. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The page may load what this server serves and nothing else, be framed by nobody, and send nothing anywhere. Images may
 * come from data: and blob: URLs because the page draws some itself.
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

/** The same on a socket that node:http has let go of, because the request asked for an upgrade. */
export function asText(answer: Answer): string {
  const fields = Object.entries({ ...headersOf(answer), connection: 'close' });
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    ...fields.map((field) => field.join(': ')),
  ];
  return `${head.join('\r\n')}\r\n\r\n${answer.body}`;
}

const headersOf = ({ headers, body }: Answer): Record<string, string> => ({
  ...COMMON_HEADERS,
  ...headers,
  'content-length': String(Buffer.byteLength(body)),
});
