/** The types of a fetch-style app, which users import from `paceline`. */

/** The second argument of a fetch-style handler: what it can know besides its request. */
export interface FetchContext {
  /** The number of the thread that runs the handler, from 0. */
  readonly thread: number;
  /**
   * The client's IP address, for example `127.0.0.1` or `::1`; behind a proxy that of the proxy. `''` over a Unix socket and
   * once the client has gone. Each access asks the system (getpeername(2)).
   */
  readonly remoteAddress: string;
}

/**
 * A fetch-style app: the default export of an app module. Every thread loads the module by itself, so its variables are per
 * thread.
 *
 * ```ts
 * export default { fetch: (request, context) => new Response(`hello from thread ${context.thread}\n`) } satisfies FetchApp;
 * ```
 */
export interface FetchApp {
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
  fetch(request: Request, context: FetchContext): unknown;
}
