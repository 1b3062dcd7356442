/** What the control plane and a thread tell each other outside of shared memory: at its start, and for the log. */
import type { Limits } from '../handlers/event-handler.js';
import type { SharedMemory } from '../memory/layout.js';

/** What a thread is started with. */
export interface ThreadStart {
  readonly self: number;
  readonly memory: SharedMemory;
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
  | {
      readonly type: 'log';
      readonly level: 'error' | 'warn' | 'info' | 'debug';
      readonly message: string;
      readonly fields: Record<string, unknown>;
    };
