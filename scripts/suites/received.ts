/**
 * `new Request` that makes requests like received ones: light, with a head's text and an arriving body behind them. The real
 * class makes each first, so that it converts, refuses and completes the arguments; what cannot come over a connection
 * stays a real one.
 */
import { IncomingBody } from '../../lib/web/incoming-body.js';
import { createRequest } from '../../lib/web/light-request.js';

/** What a received request has in the members that only a caller's init can set. */
const RECEIVED = {
  mode: 'cors',
  credentials: 'same-origin',
  cache: 'default',
  redirect: 'follow',
  referrer: 'about:client',
  referrerPolicy: '',
  integrity: '',
  keepalive: false,
};

type Arguments = ConstructorParameters<typeof Request>;

/** Whether a connection can bring `request`: it has an HTTP URL, and nothing but a method, fields, and content of bytes. */
function isReceivable(request: Request, [input, init]: Arguments): boolean {
  // Another request has a signal and a body of its own; so have these init members, which the light one must share.
  if (input instanceof Request || init?.signal != null || init?.body instanceof ReadableStream) return false;
  const { protocol, username, password, href } = new URL(request.url);
  if (protocol !== 'http:' || username !== '' || password !== '' || href.includes('#')) return false;
  // The parser refuses methods that Fetch would put in upper case, and those in lower case that it would not.
  if (request.method !== request.method.toUpperCase()) return false;
  return Object.entries(RECEIVED).every(([name, value]) => Reflect.get(request, name) === value);
}

/** The request as a connection hands it over. The content arrives when it has been read from the real one. */
function receive(request: Request): Request {
  const { host, pathname, search } = new URL(request.url);
  const target = pathname + search;
  const targetStart = request.method.length + 1;
  const start = `${request.method} ${target} HTTP/1.1\r\n`;
  const lines = [...request.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = {
    text: `${start}${lines}\r\n`,
    methodEnd: request.method.length,
    targetStart,
    targetEnd: targetStart + target.length,
    headersStart: start.length,
    hostStart: -1,
    hostEnd: -1,
    fallbackHost: host,
  };
  if (request.body === null) return createRequest(head, null);
  const body = new IncomingBody({ resume: () => undefined });
  request.arrayBuffer().then(
    (bytes) => {
      body.push(new Uint8Array(bytes));
      body.end();
    },
    (error) => body.fail(error),
  );
  return createRequest(head, body);
}

/** Replaces the global Request of this thread. After Paceline's own classes have been installed. */
export function installReceived(): void {
  const { Request } = globalThis;
  const Receiving: typeof Request = new Proxy(Request, {
    construct(target, args, newTarget): Request {
      const request: Request = Reflect.construct(target, args, newTarget);
      const isPlain = newTarget === Receiving && isReceivable(request, args as Arguments);
      return isPlain ? receive(request) : request;
    },
  });
  const property = { value: Receiving, writable: true, enumerable: false, configurable: true };
  Object.defineProperty(Request.prototype, 'constructor', property);
  Object.defineProperty(globalThis, 'Request', property);
}
