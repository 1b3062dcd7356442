/**
 * Proactor (Schmidt, Stal, Rohnert, Buschmann: Pattern-Oriented Software Architecture, volume 2, chapter 3; first in Pyarali, Harrison, Schmidt,
 * Jordan: Proactor, PLoP 1997), with asynchronous operations emulated by a thread, as POSA 2 describes for systems that have none. That thread
 * is a Reactor which operates on what is ready, as in Libman, Gilbourne: Comparing Two High-Performance I/O Design Patterns, Artima 2005.
 *
 * | participant | here |
 * | --- | --- |
 * | Handle | set/handle-table.ts |
 * | Asynchronous Operation | receiving, sending, shutting down and closing by a channel (proactor/channels.ts) |
 * | Initiator | the event handlers, by proactor/channel-transport.ts: they ask for operations and go on |
 * | Asynchronous Operation Processor | `OperationThread`: thread 0, with proactor/operation-processor.ts; asked by proactor/operation-board.ts |
 * | Completion Event Queue | set/request-queue.ts: whose input has come, or has room for output again |
 * | Asynchronous Event Demultiplexer | `RequestQueue.take`, in each worker |
 * | Proactor, in the first paper Completion Dispatcher | `QueueWorker` (queue-worker.ts): takes a completion and dispatches it |
 * | Completion Handler | the event handlers of connection/event-handler.ts, as in every model |
 *
 * One thread, the I/O thread, receives and sends for all connections; workers only compute. A worker finds input received, calls the handler, puts the
 * response into the channel and takes the next completion, without a system call on a socket.
 *
 *   I/O thread:  waits ──▶ a socket is readable: receives into its channel ──▶ queues the completion, wakes a worker where none is awake
 *                  │  └──▶ a socket is writable: sends on what is in its channel
 *                  └ operations on the board: sends, shuts down, closes; receives on where there is room again
 *   worker:      takes a completion ──▶ claims the handle ──▶ processes: input from the channel, output into it, its number on the board
 *                  └ none: own work ─▶ parks
 *
 * Every byte is copied once more than in the other models, and every response passes to another thread. In exchange, a worker that blocks
 * holds up no response that is complete, however slowly its client reads.
 *
 * The I/O thread's role is shown as "proactor" (descriptions.ts), after Libman and Gilbourne, whose Proactor reads and writes in place of the
 * kernel. In the pattern's words it is the Asynchronous Operation Processor, and the Proactor is a part of each worker.
 *
 * What differs from the pattern's description:
 *
 * - No handler asks for a read: the I/O thread reads ahead, as far as the channel has room. So one completion may stand for several operations,
 *   and says only that there is something; how much, and with which result, is in the channel.
 * - No operation has a buffer of its initiator: one worker after the other may process a connection, so its bytes lie in the channel in between.
 * - A write that was taken is not reported. Only the end of back-pressure is, and a failure.
 * - As in half-sync-half-reactive.ts, completions for a worker that is inside the connection, or that it is bound to, do not pass through the queue.
 * - A send is left to the I/O thread, also where the kernel would take it at once. Boost.Asio, on epoll, tries in the thread that asks, and saves the
 *   crossing; but then that thread does input and output, and what is left of the model is half-sync-half-reactive.ts.
 * - The I/O thread accepts connections itself.
 * - Files are read by workers, since the emulation has but one thread for all sockets, which a disk would hold up. So a file is copied through the
 *   channel, where the other models use sendfile(2) and a true Proactor has an operation for it.
 * - A connection that an app upgrades, or serves as a `net.Socket`, leaves its channel: the event loop of a worker has it from then on.
 */
import type { ThreadContext } from '../connection/event-handler.js';
import type { Channels } from '../proactor/channels.js';
import { PARKS, WAITS } from '../proactor/operation-board.js';
import { OperationProcessor } from '../proactor/operation-processor.js';
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { IoThread } from './io-thread.js';
import { QueueWorker } from './queue-worker.js';
import type { Strategy, Turn } from './turn.js';

/** Operations that are done before the thread looks for events. */
const MAX_OPERATIONS = 32;

/** What a thread does, by its number. */
export const simulatedProactor = (turn: Turn, context: ThreadContext, channels: Channels): Strategy =>
  turn.member.self === IO_THREAD ? new OperationThread(turn, context, channels) : new QueueWorker(turn);

/** Waits as any I/O thread, and does the operations. */
class OperationThread extends IoThread {
  readonly #turn: Turn;
  readonly #channels: Channels;
  readonly #processor: OperationProcessor;
  /** Completions of operations for which the queue had no room, by descriptor: generation, and events. */
  readonly #unreported = new Map<number, { generation: number; events: number }>();

  constructor(turn: Turn, context: ThreadContext, channels: Channels) {
    super(turn);
    this.#turn = turn;
    this.#channels = channels;
    this.#processor = new OperationProcessor(context, channels);
  }

  protected override operate(): number {
    const { table } = this.#turn.member.handles;
    if (this.#unreported.size > 0) this.#reportRest();
    let done = 0;
    for (; done < MAX_OPERATIONS; done++) {
      const fd = this.#channels.board.take();
      if (fd < 0) break;
      const generation = table.generation(fd);
      this.#complete(fd, generation, this.#processor.perform(fd));
    }
    return done;
  }

  protected override ready(fd: number, generation: number, events: number): void {
    // Of an earlier use of the number.
    if (this.#turn.member.handles.table.generation(fd) !== generation) return;
    this.#complete(fd, generation, this.#processor.ready(fd, events));
  }

  /** Operations have been completed: queues that. While the queue is full, operations are done all the same. */
  #complete(fd: number, generation: number, events: number): void {
    if (events === 0 || this.report(fd, generation, events)) return;
    const unreported = this.#unreported.get(fd);
    const before = unreported?.generation === generation ? unreported.events : 0;
    this.#unreported.set(fd, { generation, events: before | events });
  }

  #reportRest(): void {
    for (const [fd, { generation, events }] of this.#unreported) {
      if (!this.report(fd, generation, events)) return;
      this.#unreported.delete(fd);
    }
  }

  override waitForEvents(maxMs?: number): boolean {
    const { board } = this.#channels;
    // Workers may have emptied the queue since it was full, and then nothing ends the wait for what is unreported.
    if (this.#unreported.size > 0) this.#reportRest();
    if (this.#unreported.size > 0 || !board.beginSleep(WAITS)) return true;
    const ready = super.waitForEvents(maxMs);
    board.endSleep();
    return ready;
  }

  /** What says that it parks stays when it wakes: a worker that posts before the next sleep rings once for nothing. */
  protected override mustOperate(): boolean {
    return !this.#channels.board.beginSleep(PARKS);
  }

  protected override ticked(): void {
    this.#processor.tick();
  }
}
