/** The queue of a listening socket that is about to be closed: connections in it would be reset, so threads accept them first. */
import { isSuspended } from '../connection/listeners.js';
import { withUnreadInput } from '../sys/waiting.js';

/** How long a socket's queue may take to be empty when the server closes. */
export const EMPTY_MS = 500;

/** Whether connections wait in the queue of a listener's socket, and threads accept them. */
export const isAwaitingAccept = (words: Int32Array, index: number, fd: number): boolean =>
  !isSuspended(words, index) && withUnreadInput([fd]).length > 0;
