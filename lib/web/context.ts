/** What a fetch-style handler learns beside its request. */
export interface FetchContext {
  /** The number of the thread that runs the handler, from 0. */
  readonly thread: number;
  /** The client's address; '' over a Unix socket and once the client has gone. */
  readonly remoteAddress: string;
}

/** A fetch-style app: the default export of an app module. */
export interface FetchApp {
  /**
   * Answers a request. May block its thread; other threads go on.
   *
   * @returns a Response, or as shorthand a string (text/plain), a Uint8Array or ArrayBuffer (octets), a plain object or
   * array (JSON); or a promise of one of these
   */
  fetch(request: Request, context: FetchContext): unknown;
}
