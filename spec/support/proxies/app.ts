/**
 * An app whose answers name their request: `x-token` is the token of the request, and most bodies are made of it. Some routes
 * pass on a hostile upstream's answers, or do what apps do that break a careless server.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** The environment variable with the upstream's URL; not in the app's own URL, because another app may include this one. */
export const UPSTREAM_VARIABLE = 'PACELINE_SPEC_UPSTREAM';
const UPSTREAM = process.env[UPSTREAM_VARIABLE];
/** Characters whose low bytes are CR and LF. */
const CRLF_ABOVE = '\u010d\u010a';
const INJECTED = `${CRLF_ABOVE}x-injected: 1${CRLF_ABOVE}${CRLF_ABOVE}HTTP/1.1 200 OK`;

interface Ask {
  readonly request: Request;
  readonly token: string;
  readonly query: URLSearchParams;
  readonly headers: Record<string, string>;
}

type Route = (ask: Ask) => unknown;

/** A body made of the token of its request. */
export const bodyOf = (token: string, bytes: number): string =>
  `${token}.`.repeat(Math.ceil(bytes / (token.length + 1))).slice(0, bytes);

const upstream = ({ query, token }: Ask): Promise<Response> =>
  fetch(`${UPSTREAM}/${query.get('case')}?t=${token}`);

/** A stream that breaks after some of its content. */
function failing(token: string): ReadableStream {
  let parts = 0;
  return new ReadableStream({
    async pull(controller) {
      await delay(1);
      if (parts++ < 2) controller.enqueue(Buffer.from(bodyOf(token, 500)));
      else controller.error(new Error('the body broke'));
    },
  });
}

/** Answers with a part that changes after it was validated, or was never validated. */
const MADE: Readonly<Record<string, Route>> = {
  'own statusText': ({ token, headers }) =>
    Object.defineProperty(new Response(token, { headers }), 'statusText', { value: `OK${INJECTED}` }),
  'own class': ({ token, headers }) => {
    class Own extends Response {}
    Object.defineProperty(Own.prototype, 'statusText', { get: () => `OK${INJECTED}` });
    return new Own(token, { headers });
  },
  'own headers': ({ token, headers }) => {
    const fields = Object.assign(new Headers(headers), {
      *[Symbol.iterator]() {
        yield ['x-made', `a${INJECTED}`];
      },
      *entries() {
        yield ['x-made', `a${INJECTED}`];
      },
      forEach(call: (value: string, name: string) => void) {
        call(`a${INJECTED}`, 'x-made');
      },
    });
    return Object.defineProperty(new Response(token, { headers }), 'headers', { value: fields });
  },
  'statusText of the constructor': ({ token, headers }) =>
    new Response(token, { headers, statusText: `OK${INJECTED}` }),
  'a field of the constructor': ({ token, headers }) =>
    new Response(token, { headers: { ...headers, 'x-made': 'a\r\nx-injected: 1' } }),
  'a field above latin1': ({ token, headers }) =>
    new Response(token, { headers: { ...headers, 'x-made': `a${INJECTED}` } }),
};

const ROUTES: Readonly<Record<string, Route>> = {
  '/say': ({ token, query, headers }) =>
    new Response(bodyOf(token, Number(query.get('bytes') ?? token.length)), { headers }),
  '/stream': ({ token, query, headers }) => {
    const text = bodyOf(token, Number(query.get('bytes') ?? 0));
    return new Response(new Blob([text]).stream(), { headers });
  },
  '/echo': async ({ request, headers }) => new Response(await request.arrayBuffer(), { headers }),
  /** Answers before it has read the content. */
  '/reflect': ({ request, headers }) => new Response(request.body, { headers }),
  '/ignore': ({ token, headers }) => new Response(token, { headers }),
  '/late': async ({ request, token, headers }) => {
    await delay(5);
    return new Response(`${token} ${(await request.text()).length}`, { headers });
  },
  '/null': ({ headers }) => new Response(null, { headers }),
  '/unchanged': ({ headers }) => new Response(null, { status: 304, headers }),
  '/nothing': ({ headers }) => new Response(null, { status: 204, headers }),
  '/failing': ({ token, headers }) => new Response(failing(token), { headers }),
  /** Transfers the content, which is the app's own. */
  '/transfer': async ({ request, headers }) => {
    const body = await request.arrayBuffer();
    const { byteLength } = structuredClone(body, { transfer: [body] });
    return new Response(String(byteLength), { headers });
  },
  /** Changes the content after the Response was made: what is sent must not change. */
  '/mutate': async ({ token, query, headers }) => {
    const bytes = new TextEncoder().encode(token);
    const made = new Response(bytes, { headers });
    const how = query.get('how');
    if (how === 'clone') new Uint8Array(await made.clone().arrayBuffer()).fill(0x21);
    const result = how === 'rebuilt' ? new Response(made.body, made) : made;
    if (how !== 'clone') bytes.fill(0x21);
    return result;
  },
  '/upstream': upstream,
  '/upstream-rebuilt': async (ask) => {
    const { status, statusText, headers, body } = await upstream(ask);
    return new Response(body, { status, statusText, headers });
  },
  '/made': (ask) => MADE[ask.query.get('case')!]!(ask),
};
/** The cases of `/made`. */
export const MADE_CASES: readonly string[] = Object.keys(MADE);

export default {
  fetch(request: Request): unknown {
    const { pathname, searchParams: query } = new URL(request.url);
    const token = query.get('t') ?? 'none';
    const headers = { 'x-token': token, 'x-method': request.method, 'x-url': request.url };
    const route = ROUTES[pathname];
    if (route === undefined) return new Response('no route', { status: 404, headers });
    return route({ request, token, query, headers });
  },
};
