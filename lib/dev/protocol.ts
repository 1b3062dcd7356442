/**
 * `paceline dev` is two processes. The supervisor has what outlives each version of the app: the listening sockets, the dashboard's port
 * and token. Its child is `paceline` with the same arguments, which serves the app. A change of the app's files ends the child, and the
 * supervisor starts the next one.
 *
 * What the child gets:
 *
 * - the environment variables DEV_CHILD, which is `1`, and DEV_START, a ChildStart as JSON. It removes both before it starts threads.
 * - descriptor 3 (REPORTS_FD): a stream to the supervisor. Each thread writes there which files it is about to load
 *   (thread/loaded-files.ts), so that the supervisor knows the file at fault, too, however the thread ends.
 * - descriptor 4: the channel of node:child_process, for the messages below.
 * - descriptors from 5 on: the sockets that ChildStart names.
 *
 *     supervisor                              child
 *        │── starts ───────────────────────────▶ loads the app
 *        │◀─ opened (with the socket), took ──── as its servers listen
 *        │◀─ serving ───────────────────────────  serves, with one thread at least
 *        │◀─ ready ─────────────────────────────  all threads have loaded the app; or failed, and it exits
 *        │   a file has changed
 *        │── stop ─────────────────────────────▶ closes its listening sockets and the dashboard
 *        │◀─ released ────────────────────────── finishes the requests in flight
 *        │── starts the next one                 exits
 *
 * Between `released` and the next `serving` nobody accepts: connections wait in the queue of the socket, which the supervisor keeps open.
 * So no connection is refused, and one that is made after `released` reaches the next version. While the app does not load, the
 * supervisor itself accepts and answers with the error (error-pages.ts).
 *
 * The channel ends with the supervisor, however that ends. For the child this is `stop`.
 */
import type { ListenOptions } from '../options/listen-options.js';
import type { ErrorRecord } from '../report/error-record.js';
import type { ListenRequest } from '../thread/messages.js';

/** Says that a supervisor runs the process. */
export const DEV_CHILD = 'PACELINE_DEV_CHILD';
export const DEV_START = 'PACELINE_DEV_START';

/** The first descriptor of the sockets. */
export const FIRST_SOCKET_FD = 5;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Where the dashboard was to listen, as text, and where it does. */
export interface DashboardPlace extends HostPort {
  readonly asked: string;
}

/** An open socket, and what it was opened for. */
export interface PassedSocket<Asked> {
  readonly fd: number;
  readonly asked: Asked;
}

/** What the supervisor passes on from one child to the next. */
export interface ChildStart {
  /** Sockets of the command's own addresses, bound. */
  readonly own: readonly PassedSocket<ListenOptions>[];
  /** Sockets that servers of the app have asked for. */
  readonly requested: readonly PassedSocket<ListenRequest>[];
  /** Where the dashboard of the child before was, so that an open page finds the next one; null for none. */
  readonly dashboard: DashboardPlace | null;
}

/** An address at which the app is reached. */
export interface ServedAddress {
  /** ADDRESS:PORT, or the path of a Unix socket. */
  readonly where: string;
  /** As in its URL, without the colon: `http`, `https`, `tcp` or `unix`. */
  readonly scheme: string;
}

/** What the supervisor has to know of a child that serves. */
export interface Serving {
  /** The command's own addresses, which a change of the config file may have changed. */
  readonly own: readonly ListenOptions[];
  readonly served: readonly ServedAddress[];
  readonly dashboard: DashboardPlace | null;
}

export type ChildMessage =
  /** A server of the app listens at an address for which no socket was passed. The message carries the socket. */
  | { readonly type: 'opened'; readonly asked: ListenRequest }
  /** A server of the app has been given the passed socket. */
  | { readonly type: 'took'; readonly fd: number }
  | ({ readonly type: 'serving' } & Serving)
  | ({ readonly type: 'ready' } & Serving)
  | {
      readonly type: 'failed';
      readonly message: string;
      readonly error: ErrorRecord;
      readonly ofApp: boolean;
      readonly exitCode: number;
    }
  | { readonly type: 'released' };

export type SupervisorMessage = { readonly type: 'stop' };
