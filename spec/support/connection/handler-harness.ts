/**
 * A connection's event handler without a thread around it: the spec is the thread, and decides when there is an event and when
 * what was deferred continues. Sockets, handle table, pool and deadlines are real.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { EventHandler, ThreadContext } from '../../../lib/connection/event-handler.js';
import { type Deferred, HTTP_CONNECTION, TCP_CONNECTION } from '../../../lib/connection/event-handler.js';
import type { Limits } from '../../../lib/connection/limits.js';
import { DirectTransport } from '../../../lib/connection/transport.js';
import { fetchConnections } from '../../../lib/http/handler.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { countersOf } from '../../../lib/memory/counters.js';
import { CONNECTIONS } from '../../../lib/memory/layout.js';
import { sumsOf } from '../../../lib/memory/sums.js';
import { INTEREST_INPUT } from '../../../lib/set/handle-set.js';
import { ENTERED, HAND_OFF, READABLE } from '../../../lib/set/handle-table.js';
import { closeDescriptor, createEventCounter } from '../../../lib/sys/descriptor.js';
import { epollCreate } from '../../../lib/sys/epoll.js';
import { acceptConnection, bindListener, localAddress, startListening } from '../../../lib/sys/socket.js';
import type { TcpApp } from '../../../lib/tcp/app.js';
import { TcpConnections } from '../../../lib/tcp/handler.js';
import type { FetchApp } from '../../../lib/web/context.js';
import { installResponse } from '../../../lib/web/light-response.js';
import { until } from '../server/wait.js';
import { makeParts } from '../set/parts.js';
import { makeRoutes } from './routes.js';

const DESCRIPTORS = 4096;

const LIMITS: Limits = {
  tickMs: 1000,
  maxHeaderSize: 16_384,
  maxBodySize: 1 << 30,
  maxConnections: 100,
  maxRequestsPerSocket: 0,
  headersTicks: 60,
  requestTicks: 300,
  keepAliveTicks: 5,
  sendTicks: 60,
  lingerTicks: 2,
  graceTicks: 5,
};

export interface HarnessOptions {
  /** Of the pool. */
  readonly blocks?: number;
  /** What the app declares. */
  readonly routes?: unknown;
}

export class HandlerHarness implements Disposable {
  /** What the handlers logged, in order. */
  readonly log: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  readonly context: ThreadContext;
  readonly control: Int32Array;
  readonly handler: EventHandler;
  /** What went on by itself after the others' events, in order. */
  readonly deferred: Deferred[] = [];
  readonly #kind: number;
  readonly #listener: number;
  readonly #epoll = epollCreate();
  readonly #doorbell = createEventCounter();
  readonly #clients: Socket[] = [];

  private constructor(
    kind: number,
    make: (context: ThreadContext) => EventHandler,
    { blocks }: HarnessOptions = {},
  ) {
    installResponse();
    this.#kind = kind;
    const memory = allocateMemory(1, DESCRIPTORS, blocks);
    const { table, handles, pool, recorder, engagement, lot, holds } = makeParts({
      self: 0,
      role: 'commanded',
      steps: false,
      restless: false,
      ignoresLoop: false,
      memory,
      scratch: new Int32Array(1),
      epoll: this.#epoll,
      doorbells: [this.#doorbell],
    });
    this.control = new Int32Array(memory.control);
    const input = Buffer.from(memory.inputs);
    this.context = {
      self: 0,
      number: 0,
      control: this.control,
      handles,
      table,
      pool,
      input,
      transport: new DirectTransport(handles, input),
      counters: countersOf(memory.control, 0),
      sums: sumsOf(memory.control, 0),
      recorder,
      engagement,
      lot,
      holds,
      handsOver: true,
      limits: LIMITS,
      drainTicks: () => (process as unknown as { _tickCallback(): void })._tickCallback(),
      defer: (work) => this.deferred.push(work),
      beforeWaiting: (work) => this.deferred.push(work),
      aboutToBlock: () => {},
      raiseUncaughtException: (error) => {
        throw error;
      },
      process: (fd, events) => this.handler.handleEvent(fd, events),
      log: (level, message, fields = {}) => this.log.push({ level, message, fields }),
    };
    this.handler = make(this.context);
    this.#listener = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
    startListening(this.#listener, 16);
  }

  static http(fetch: FetchApp['fetch'], options: HarnessOptions = {}): HandlerHarness {
    const make = (context: ThreadContext) =>
      fetchConnections(context, { fetch }, 'localhost', makeRoutes(options.routes));
    return new HandlerHarness(HTTP_CONNECTION, make, options);
  }

  static tcp(app: TcpApp): HandlerHarness {
    return new HandlerHarness(TCP_CONNECTION, (context) => new TcpConnections(context, app));
  }

  /** A client with the address `from`, and the descriptor of its connection here. */
  async connect(from = '127.0.0.1'): Promise<{ client: Socket; fd: number }> {
    const { port } = localAddress(this.#listener)!;
    const client = connect({ host: '127.0.0.1', port, localAddress: from });
    this.#clients.push(client);
    client.on('error', () => {});
    await once(client, 'connect');
    let fd = -1;
    await until('the connection is accepted', () => {
      fd = acceptConnection(this.#listener);
      return fd >= 0;
    });
    this.control[CONNECTIONS]!++;
    this.context.handles.registerHandle(fd, this.#kind, INTEREST_INPUT);
    return { client, fd };
  }

  /** Sends as much of `bytes` as the kernel takes now. */
  send(client: Socket, bytes: string | Uint8Array): void {
    client.write(bytes);
  }

  /** The leader takes an event, and this thread processes it. */
  event(fd: number, events = READABLE): void {
    const { table, recorder } = this.context;
    // Reads the clock, as a leader does.
    recorder.refilled();
    const generation = table.generation(fd);
    switch (table.claim(fd, generation, events, 0)) {
      case ENTERED:
        this.handler.handleEvent(fd, events);
        break;
      case HAND_OFF:
        this.handler.handleEvent(fd, table.takeNoted(fd, generation, 0));
        break;
      default:
    }
  }

  /** What was deferred so far goes on, once. @returns whether there was anything */
  proceed(): boolean {
    const work = this.deferred.splice(0);
    for (const one of work) one.proceed();
    return work.length > 0;
  }

  get connections(): number {
    return this.control[CONNECTIONS]!;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.destroy();
    for (const fd of [this.#listener, this.#epoll, this.#doorbell]) closeDescriptor(fd);
  }
}
