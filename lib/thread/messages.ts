/** Messages between the control plane and a thread, outside of shared memory: at the thread's start, and for the log. */
import type { MessagePort } from 'node:worker_threads';
import type { Limits } from '../connection/limits.js';
import type { SharedMemory } from '../memory/layout.js';
import type { LogEntry } from './log-limiter.js';

/** What a thread is started with. */
export interface ThreadStart {
  readonly self: number;
  readonly memory: SharedMemory;
  /** Where the thread sends its messages. Not its parentPort, which its app may write to as well. */
  readonly port: MessagePort;
  /** The epoll descriptor of the handle set. */
  readonly epoll: number;
  readonly doorbells: readonly number[];
  /** The wake-up handle's eventfd. */
  readonly wakeUp: number;
  /** The URL of the app module. */
  readonly app: string;
  readonly limits: Limits;
  /** Host and port for request.url when a client sends no Host. */
  readonly fallbackHost: string;
}

export type ThreadMessage =
  /** The app is loaded and the thread joins the set. */
  | { readonly type: 'ready'; readonly protocol: 'http' | 'tcp' }
  /** It could not start. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly stack: string }
  /** At most MAX_UNREAD_LOGS of these are unread. */
  | { readonly type: 'log'; readonly entry: LogEntry };

/** Log messages of one thread that the control plane has not read: 256 KiB with the longest descriptions of errors. */
export const MAX_UNREAD_LOGS = 16;
