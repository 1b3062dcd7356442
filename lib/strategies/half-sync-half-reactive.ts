/**
 * Half-Sync/Half-Reactive (Schmidt, Stal, Rohnert, Buschmann: Pattern-Oriented Software Architecture, volume 2, chapter 5, a variant of
 * Half-Sync/Half-Async; first in Schmidt, Cranor: Half-Sync/Half-Async, PLoP 1995).
 *
 * | participant | here |
 * | --- | --- |
 * | External Event Sources | clients, by the kernel; their handles are in set/handle-table.ts |
 * | Asynchronous Service Layer, which is a Reactor in this variant | `IoThread` (io-thread.ts): thread 0, with demultiplexer.ts |
 * | Queueing Layer | set/request-queue.ts |
 * | Synchronous Service Layer | `QueueWorker` (queue-worker.ts): all other threads, with the event handlers of connection/event-handler.ts |
 *
 * One thread waits on the handle set and puts what is ready into a queue; it runs no handler of a connection. The workers take from the queue,
 * receive, call the handler and send, and may block meanwhile. It is the model of most thread pools behind a selector, as of Tomcat's NIO
 * connector, whose poller gives ready sockets to an executor.
 *
 *   I/O thread:  waits ──▶ takes an event ──▶ idle handle: puts an entry, wakes a worker where none is awake ──▶ takes the next
 *                  │                    ├──▶ a thread is inside: notes the event for it
 *                  │                    ├──▶ bound to a worker: hands the event off to it
 *                  │                    └──▶ a handle of the set (listening socket, timer): handles it itself; where connections
 *                  │                         are past their deadlines, puts an entry for the timer
 *                  └ the queue is full: parks until there is room
 *   worker:      takes an entry ──▶ claims the handle ──▶ processes ──▶ takes the next
 *                  └ none: own work ─▶ parks
 *
 * Each event passes from one thread to another, and at low load wakes one: that is what Leader/Followers avoids.
 *
 * What differs from the pattern's description:
 *
 * - The queue has handles that are ready, not messages that the I/O thread has received: a worker receives into its own buffer, so nothing is
 *   copied between threads. It is bounded, and takes no lock.
 * - A put wakes a worker only where that pays (set/queue-wake-ups.ts).
 * - Some handles are bound to a worker, because what it does with them cannot move: their events do not pass through the queue
 *   (set/mailbox.ts). Nor do those of a handle that a worker is inside: it finds them when it is done.
 * - The I/O thread has an event loop of its own, as every thread: the timers of an app run there too, and one that blocks delays all events.
 */
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { IoThread } from './io-thread.js';
import { QueueWorker } from './queue-worker.js';
import type { Strategy, Turn } from './turn.js';

/** What a thread does, by its number. */
export const halfSyncHalfReactive = (turn: Turn): Strategy =>
  turn.member.self === IO_THREAD ? new IoThread(turn) : new QueueWorker(turn);
