/**
 * Messages between the control plane and a thread, outside of shared memory: at the thread's start, for the log, for listeners and for the
 * current folder.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Limits } from '../connection/limits.js';
import type { SharedMemory } from '../memory/allocation.js';
import type { BoundListener, ListenRequest, Protocol } from '../node/binding.js';
import type { ErrorRecord } from '../report/error-record.js';
import type { StrategyName } from '../strategies/descriptions.js';
import type { AccessLogSettings } from '../telemetry/access-log.js';
import type { LogEntry } from './log-limiter.js';

/** What a thread is started with. */
export interface ThreadStart {
  /** The thread's number in its set. */
  readonly self: number;
  /** The thread's number in the server, as users see it: not `self` where the server has several groups. */
  readonly number: number;
  /** The cores that the set has. */
  readonly cores: number;
  readonly strategy: StrategyName;
  readonly memory: SharedMemory;
  /** For messages in both directions. Not the thread's parentPort, which its app may write to as well. */
  readonly port: MessagePort;
  /** The epoll descriptor of the handle set. */
  readonly epoll: number;
  /** Those of the threads' own sets, from thread 1 on; none in most models. */
  readonly ownSets: readonly number[];
  readonly doorbells: readonly number[];
  /** The wake-up handle's eventfd. */
  readonly wakeUp: number;
  /** The URL of the app module. */
  readonly app: string;
  /** The folder in which the server was started. */
  readonly workingDirectory: string;
  readonly limits: Limits;
  readonly nodeLimits: NodeLimits;
  /** The server's own addresses, as servers of the thread ask for them: one at least. */
  readonly ownAddresses: readonly OwnListenOptions[];
  /** What the access log has; null where it is off. */
  readonly accessLog: AccessLogSettings | null;
  /** Host and port for request.url when a client sends no Host. */
  readonly fallbackHost: string;
  /** Whether `paceline dev` runs the server. */
  readonly dev: boolean;
}

/** Limits by the names that they have as options of the server and as properties of an http.Server; times are in milliseconds. */
export type ServerLimits = Readonly<
  Record<
    'maxHeaderSize' | 'maxRequestsPerSocket' | 'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout',
    number
  >
>;

/** The limits of the http.Server objects that an app module exports, or that are made for it. */
export interface NodeLimits {
  /** Of one that is made for it. */
  readonly all: ServerLimits;
  /** Of one that it has made itself: those that differ from their defaults. */
  readonly changed: Partial<ServerLimits>;
}

/** Options of `net.Server.listen`. */
export type OwnListenOptions =
  | { readonly host: string; readonly port: number; readonly path?: undefined }
  | { readonly path: string; readonly host?: undefined; readonly port?: undefined };

/** What an app module is: a fetch app, a raw TCP app, or servers of Node, which listen. */
export type AppKind = 'fetch' | 'tcp' | 'listens';

/** What a server of a thread asks of the control plane, and tells it; see control/listeners.ts. */
export type ListenMessage =
  /** A server wants to listen. The answer has the same id. */
  | { readonly type: 'listen'; readonly id: number; readonly request: ListenRequest }
  /** The server is ready for connections of the listener that the answer named. */
  | { readonly type: 'attached'; readonly index: number }
  /** It does not listen any more. */
  | { readonly type: 'unlisten'; readonly index: number };

/** The thread waits until the main thread has changed the folder of the process. */
export interface DirectoryMessage {
  readonly type: 'chdir';
  /** An absolute path. */
  readonly directory: string;
  /** One word in shared memory: one of the CHDIR_ values, or the errno as Node has it, which is negative. */
  readonly answer: Int32Array;
}

export const CHDIR_PENDING = 0;
export const CHDIR_DONE = 1;
/** The server runs in a worker thread of the embedder, which cannot change it. */
export const CHDIR_UNSUPPORTED = 2;
/** The thread waits no longer. */
export const CHDIR_ABANDONED = 3;

/** From the control plane to a thread. */
export type ControlMessage =
  /** The thread may join the set. */
  | { readonly type: 'join' }
  /** The server shuts down. */
  | { readonly type: 'draining' }
  | ({ readonly type: 'listening'; readonly id: number } & BoundListener)
  /** The request is refused: the error as Node has it, `errno` negative. */
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly code: string;
      readonly errno: number;
      readonly message: string;
    };

export type { ListenRequest, Protocol };

/** Requests that were cut at the end of the drain time: how many of each route. The name is '' for those whose route is not known. */
export type CutRequests = readonly (readonly [route: string, count: number])[];

export type ThreadMessage =
  | ListenMessage
  | DirectoryMessage
  /** The app is loaded: the thread joins the set as soon as it may. */
  | { readonly type: 'ready'; readonly app: AppKind }
  /** It leaves the set because the server closes, and runs the app's `close` hooks next. */
  | { readonly type: 'leaving'; readonly cut: CutRequests }
  /** It could not start. `error` is what the app threw, where it did. */
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly message: string;
      readonly error: ErrorRecord | undefined;
    }
  /** An error that nobody has caught ends it. */
  | { readonly type: 'died'; readonly error: ErrorRecord }
  /** At most MAX_UNREAD_LOGS of these are unread. */
  | { readonly type: 'log'; readonly entry: LogEntry };

/** Log messages of one thread that the control plane has not read: 400 KiB with the largest records of errors. */
export const MAX_UNREAD_LOGS = 16;
