/** The interface of raw TCP apps, and of a connection as they see it; connection.ts implements it. */

/** A connection as a raw TCP app sees it. */
export interface TcpConnection {
  /**
   * Sends bytes (a string as UTF-8). What the kernel does not take is queued.
   *
   * @returns true when the kernel has taken everything; false when some is queued, and `drain` will be called
   * @throws PacelineError `PACELINE_CONNECTION` after the end, or outside of the handlers of an unbound connection;
   * `PACELINE_WRITE_OVERFLOW` when more than 64 MiB would be queued (the connection is closed)
   */
  write(bytes: Uint8Array | string): boolean;
  /** Sends what is queued, and `bytes`, then closes the connection. */
  end(bytes?: Uint8Array | string): void;
  /** Closes the connection at once; what is queued is lost. */
  terminate(): void;
  /** Keeps the connection in this thread from now on. */
  bind(): void;
  /** Anything of the app's own. Setting it binds the connection. */
  data: unknown;
  /** The peer's address; '' over a Unix socket and once the peer has gone. */
  readonly remoteAddress: string;
  /** The number of the thread that runs the handler, from 0. */
  readonly thread: number;
  /** Bytes that are queued to be sent. */
  readonly unsentBytes: number;
}

/** A raw TCP app: the default export of an app module. A handler may return a promise: the next one waits for it. */
export interface TcpApp {
  open?(connection: TcpConnection): unknown;
  /** @param bytes belong to the app */
  data(connection: TcpConnection, bytes: Uint8Array): unknown;
  /** Everything that was queued has been sent. */
  drain?(connection: TcpConnection): unknown;
  /** The connection is closed; called once for each connection that was opened. */
  close?(connection: TcpConnection): unknown;
  /** A handler failed, or the connection broke. Without it the error is logged and the connection closed. */
  error?(connection: TcpConnection, error: unknown): unknown;
}
