/** What a raw TCP app is, and what it sees of a connection; tcp/connection.ts serves it. */

/** A connection as a raw TCP app sees it. */
export interface TcpConnection {
  /**
   * Sends bytes (a string as UTF-8). What the kernel does not take is kept and sent later.
   *
   * @returns true when everything has left; false when some waits, and `drain` will be called
   * @throws PacelineError `PACELINE_CONNECTION` after the end, or outside of the handlers of an unbound connection;
   * `PACELINE_WRITE_OVERFLOW` when more than 64 MiB would wait (the connection is closed)
   */
  write(bytes: Uint8Array | string): boolean;
  /** Sends what waits, and `bytes`, then closes the connection. */
  end(bytes?: Uint8Array | string): void;
  /** Closes the connection at once; what waits is lost. */
  terminate(): void;
  /** Keeps the connection in this thread from now on. */
  bind(): void;
  /** Anything of the app's own. Setting it binds the connection. */
  data: unknown;
  /** The peer's address; '' over a Unix socket and once the peer has gone. */
  readonly remoteAddress: string;
  /** The number of the thread that runs the handler, from 0. */
  readonly thread: number;
  /** Bytes that wait to be sent. */
  readonly unsentBytes: number;
}

/** A raw TCP app: the default export of an app module. A handler may return a promise: the next one waits for it. */
export interface TcpApp {
  open?(connection: TcpConnection): unknown;
  /** @param bytes belong to the app */
  data(connection: TcpConnection, bytes: Uint8Array): unknown;
  /** Everything that waited has been sent. */
  drain?(connection: TcpConnection): unknown;
  /** The connection is closed; called once for each connection that was opened. */
  close?(connection: TcpConnection): unknown;
  /** A handler failed, or the connection broke. Without it the error is logged and the connection closed. */
  error?(connection: TcpConnection, error: unknown): unknown;
}
