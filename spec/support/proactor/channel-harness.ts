/** A connection with a channel: a real socket, whose I/O thread and worker the spec plays. */

import { Worker } from 'node:worker_threads';
import type { ThreadContext } from '../../../lib/connection/event-handler.js';
import { HTTP_CONNECTION } from '../../../lib/connection/event-handler.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { BlockPool } from '../../../lib/memory/block-pool.js';
import { CONNECTIONS } from '../../../lib/memory/layout.js';
import { ChannelTransport } from '../../../lib/proactor/channel-transport.js';
import { Channels } from '../../../lib/proactor/channels.js';
import { IoTransport } from '../../../lib/proactor/io-transport.js';
import { OperationProcessor } from '../../../lib/proactor/operation-processor.js';
import { ParkingLot } from '../../../lib/set/parking-lot.js';
import { closeDescriptor, createEventCounter } from '../../../lib/sys/descriptor.js';
import { epollCreate } from '../../../lib/sys/epoll.js';
import { addressOf } from '../../../lib/sys/libc.js';
import { receive } from '../../../lib/sys/socket.js';
import { makeContext } from '../set/context.js';
import { isOpen, socketPair } from '../set/native.js';

const ECHO = new URL('./echo-thread.js', import.meta.url);
const DESCRIPTORS = 512;
const WORKER = 1;

export class ChannelHarness implements Disposable {
  readonly memory = allocateMemory(2, DESCRIPTORS, 8, DESCRIPTORS);
  readonly wakeUp = createEventCounter();
  readonly doorbell = createEventCounter();
  readonly channels = new Channels(this.memory.channels, DESCRIPTORS, this.wakeUp, this.doorbell);
  /** The connection's end, and the client's. */
  readonly fd: number;
  readonly client: number;
  readonly context: ThreadContext;
  readonly processor: OperationProcessor;
  readonly worker: ChannelTransport;
  /** What the worker receives into. */
  readonly input = Buffer.alloc(64 * 1024);
  readonly #epoll = epollCreate();
  readonly #bytes = Buffer.allocUnsafeSlow(1 << 20);

  constructor() {
    [this.fd, this.client] = socketPair();
    const { memory, channels } = this;
    const set = {
      memory,
      epoll: this.#epoll,
      ownSets: [],
      pool: new BlockPool(memory.blocks),
      words: new Int32Array(memory.control),
      lot: new ParkingLot(memory.control, [this.doorbell, this.doorbell]),
    };
    const context = makeContext(set, 0, { sendTicks: 5, graceTicks: 5 });
    this.context = { ...context, transport: new IoTransport(context.handles, context.input, channels) };
    this.processor = new OperationProcessor(this.context, channels);
    const { table, control, limits } = this.context;
    this.worker = new ChannelTransport(channels, { input: this.input, table, control, limits });
    table.open(this.fd, HTTP_CONNECTION, 0, WORKER);
    set.words[CONNECTIONS] = 1;
  }

  /** Starts a thread that echoes all input and closes the connection at its end. */
  startEcho(): void {
    const { memory, wakeUp, doorbell, fd } = this;
    const worker = new Worker(ECHO, {
      workerData: { memory, descriptors: DESCRIPTORS, wakeUp, doorbell, fd },
    });
    worker.on('error', (error) => {
      throw error;
    });
  }

  get connections(): number {
    return this.context.control[CONNECTIONS]!;
  }

  /** Does what is on the board. @returns the events that came of it */
  operate(): number {
    let events = 0;
    for (let fd = this.channels.board.take(); fd >= 0; fd = this.channels.board.take())
      events |= this.processor.perform(fd);
    return events;
  }

  /** What the worker finds: text, 0 at the end, or -errno. */
  received(): string | number {
    const count = this.worker.receive(this.fd, 0, this.input.length);
    return count > 0 ? this.input.toString('latin1', 0, count) : count;
  }

  /** What has come at the client: bytes, 0 at the end, or -errno. */
  atClient(): Buffer | number {
    const count = receive(this.client, addressOf(this.#bytes), this.#bytes.length);
    return count > 0 ? Buffer.from(this.#bytes.subarray(0, count)) : count;
  }

  get isOpen(): boolean {
    return isOpen(this.fd);
  }

  [Symbol.dispose](): void {
    for (const fd of [this.client, this.wakeUp, this.doorbell, this.#epoll]) closeDescriptor(fd);
    if (this.isOpen) closeDescriptor(this.fd);
  }
}
