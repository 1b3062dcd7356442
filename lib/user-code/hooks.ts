/** The types of an app's hooks, which users import from `paceline`. */

/** The argument of the `init` hook. */
export interface InitContext {
  /** The number of the thread, from 0. A replacement has that of the thread which it replaces. */
  readonly thread: number;
}

/** The argument of the `close` hook. */
export interface CloseContext {
  /** The number of the thread, from 0. */
  readonly thread: number;
  /**
   * Aborts at the end of the drain time, or once the thread's event loop has nothing left to do and the hook is still pending. It has aborted
   * already when the hook begins, if requests took all of the drain time.
   */
  readonly signal: AbortSignal;
}

/**
 * Hooks that an app may have besides its handlers, to open and close what its module keeps: pools of connections, files, timers. Each
 * thread calls its own. A fetch app has them as methods; any module may export them by these names. Where there are both,
 * the module's `init` comes first and its `close` last.
 *
 * ```ts
 * export const init = async () => { database = await connect(); };
 * export const close = () => database.end();
 * ```
 */
export interface AppHooks {
  /**
   * Called once in each thread before it serves, also in one that replaces a thread that has died. It is not called for a file that calls
   * `listen()` itself: its top level does what is to be done.
   *
   * @returns anything; a promise is awaited
   * @throws anything: the app does not load (`PACELINE_APP_LOAD`)
   */
  init?(context: InitContext): unknown;

  /**
   * Called once in each thread when the server closes, after the last request of the server: when all connections are closed, or at the end of the
   * drain time. Not called in a thread that has died, or whose `init` has failed.
   *
   * @returns anything; a promise is awaited up to the end of the drain time and half a second more
   * @throws anything: it is logged, and the thread ends
   */
  close?(context: CloseContext): unknown;
}
