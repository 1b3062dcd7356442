/** The types of a fetch-style app, which users import from `paceline`. */
import type { AppHooks } from '../user-code/hooks.js';
import type { FetchResult } from './fetch-result.js';

/** The trace that a request belongs to, as its client has sent it: W3C Trace Context, https://www.w3.org/TR/trace-context-1/. */
export interface TraceContext {
  /** 32 hexadecimal digits in lower case, not all of them 0. */
  readonly traceId: string;
  /** The caller's span: 16 hexadecimal digits in lower case, not all of them 0. */
  readonly parentId: string;
  /** Whether the caller may have recorded the trace. */
  readonly sampled: boolean;
  /** The `tracestate` field as sent, several of them as one list; `''` without any. To be passed on unchanged. */
  readonly tracestate: string;
}

/** The second argument of a fetch-style handler: what it can know besides its request. */
export interface FetchContext {
  /** The number of the thread that runs the handler, from 0. */
  readonly thread: number;
  /**
   * The client's IP address, for example `127.0.0.1` or `::1`; behind a proxy that of the proxy. `''` over a Unix socket and
   * once the client has gone. Each access asks the system (getpeername(2)).
   */
  readonly remoteAddress: string;
  /**
   * The trace that the request's `traceparent` field names. `null` without the field, and where it is malformed. Parsed at the first access.
   */
  readonly trace: TraceContext | null;
}

/**
 * Routes that an app knows to hold their thread, or not to. A request that does is left to a thread on which nothing else depends,
 * where there is one. Without a declaration the server learns from how long requests take.
 *
 * A pattern is a path, or a method, a space and a path: `/reports/:id`, `POST /thumbnails`. It is compared with the request's
 * path as the client has sent it, without the query. A segment `*` or `:name` matches one segment that is not empty; `**` as the last
 * segment matches the rest, which may be nothing: `/files/**` matches `/files`, `/files/` and all paths below. A pattern without a
 * method matches all methods, and one with GET matches HEAD as well.
 *
 * At most 100 patterns, in both lists together. A pattern in both is an error, as is one that is malformed: the app does not load
 * (`PACELINE_APP_SHAPE`).
 */
export interface RouteDeclaration {
  /** Requests that hold their thread for long, for example by computing or by synchronous calls. Default: none. */
  readonly blocking?: readonly string[];
  /** Requests that do not, even if they match a pattern of `blocking`, or have been slow. Default: none. */
  readonly nonBlocking?: readonly string[];
}

/**
 * A fetch-style app: the default export of an app module. Every thread loads the module by itself, so its variables are per
 * thread.
 *
 * ```ts
 * export default { fetch: (request, context) => new Response(`hello from thread ${context.thread}\n`) } satisfies FetchApp;
 * ```
 */
export interface FetchApp extends AppHooks {
  /**
   * Handles a request. May block its thread: other threads take the other requests.
   *
   * @param request a Request of the Fetch standard. `request.signal` aborts when the client leaves, and its body is read from
   * the connection no faster than it is consumed
   * @param context the thread and the client
   * @returns a Response; or, as shorthand with status 200, a string (`text/plain`), a Uint8Array or ArrayBuffer
   * (`application/octet-stream`), a plain object or array (`application/json`); or a promise of one of these. A Response
   * with a body can be returned once only
   * @throws anything: an exception, a rejection, or a value of another kind is logged and answered with 500, and the thread
   * continues
   */
  fetch(request: Request, context: FetchContext): FetchResult | PromiseLike<FetchResult>;

  /**
   * Which routes block their thread. Default: the server learns it from how long requests take.
   *
   * What routers keep under this name is allowed and ignored: lists as Hono has, functions, other objects that are not plain, and an
   * object whose keys are paths.
   */
  readonly routes?: RouteDeclaration | readonly unknown[];
}
