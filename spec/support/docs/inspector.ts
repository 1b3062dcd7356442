/**
 * A client of the inspector, as debuggers are: the Chrome DevTools Protocol over a websocket, with the sessions of worker threads by the
 * domain NodeWorker of Node's.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from '../server/wait.js';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** One connection, to the process or to a thread of it. */
class Session {
  readonly #send: (text: string) => void;
  readonly #answers = new Map<number, (message: Message) => void>();
  #lastId = 0;
  /** The events so far. */
  readonly events: Message[] = [];

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  async call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const answered = new Promise<Message>((resolve) => this.#answers.set(id, resolve));
    this.#send(JSON.stringify({ id, method, params }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  received(text: string): void {
    const message = JSON.parse(text) as Message;
    if (message.id === undefined) this.events.push(message);
    else this.#answers.get(message.id)?.(message);
  }

  has(method: string): boolean {
    return this.events.some((event) => event.method === method);
  }
}

/** A debugger of all threads. */
export class Inspector implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #process: Session;
  /** By the names of the threads. */
  readonly threads = new Map<string, Session>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#process = new Session((text) => socket.send(text));
    const sessions = new Map<unknown, Session>();
    socket.on('message', (data) => {
      const text = `${data as Buffer}`;
      const { method, params } = JSON.parse(text) as Message;
      if (method === 'NodeWorker.attachedToWorker') {
        const { sessionId, workerInfo } = params as { sessionId: string; workerInfo: { title: string } };
        const send = (message: string) =>
          void this.#process.call('NodeWorker.sendMessageToWorker', { sessionId, message });
        const session = new Session(send);
        sessions.set(sessionId, session);
        this.threads.set(workerInfo.title, session);
      } else if (method === 'NodeWorker.receivedMessageFromWorker') {
        sessions.get(params!.sessionId)!.received(params!.message as string);
      } else {
        this.#process.received(text);
      }
    });
  }

  /** @param url as node prints it: `ws://…` */
  static async attach(url: string, threads: number): Promise<Inspector> {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const inspector = new Inspector(socket);
    await inspector.#process.call('NodeWorker.enable', { waitForDebuggerOnStart: false });
    await until('it is attached to all threads', () => inspector.threads.size === threads);
    for (const session of inspector.threads.values()) {
      await session.call('Runtime.enable');
      await session.call('Debugger.enable');
    }
    return inspector;
  }

  /** The threads that stand at a breakpoint. */
  get paused(): string[] {
    return [...this.threads].filter(([, session]) => session.has('Debugger.paused')).map(([name]) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
