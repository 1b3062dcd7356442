/** What a control plane tells the server object. */
import type { PacelineError } from '../errors.js';
import type { Transition } from '../observe/observation.js';
import type { ListenerInfo } from './listener-entry.js';
import type { Exit } from './thread-keeper.js';

/** The events that the plane reports to the server object. */
export interface PlaneEvents {
  transition(transition: Transition): void;
  threadStart(thread: number): void;
  threadExit(
    exit: { thread: number; exitCode: number; error: unknown; connectionsLost: number },
    cause: Exit,
  ): void;
  error(error: PacelineError): void;
  /** The server serves, with one thread at least. */
  serving(): void;
  /** The server shuts down, and all its listening sockets are closed. */
  released(): void;
  /** The threads accept at one more address. */
  listening(listener: ListenerInfo): void;
}
