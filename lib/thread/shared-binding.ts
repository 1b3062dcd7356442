/**
 * How the servers of a worker thread of Paceline get listeners: they ask the control plane, which gives equal requests of all threads
 * the same one (control/listeners.ts). The thread says when a server is attached to its number: then connections may come.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Binding, ListenOutcome, ListenRequest } from '../node/binding.js';
import { servers } from '../node/servers.js';
import { emitShutdownSignal } from './app-signals.js';
import type { ControlMessage, ThreadMessage } from './messages.js';

export class SharedBinding implements Binding {
  readonly isShared = true;
  readonly #port: MessagePort;
  /** Requests without an answer, by their ids. */
  readonly #asks = new Map<number, ListenOutcome>();
  #lastId = 0;
  #granted = 0;
  /** Called when a server listens and no request is without an answer. */
  #onListening: (() => void) | null = null;
  #onJoin: (() => void) | null = null;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: ControlMessage) => this.#receive(message));
    port.unref();
  }

  /** Resolves once a server listens and no other one waits for its answer. Called once. */
  listening(): Promise<void> {
    return new Promise((resolve) => {
      this.#onListening = resolve;
      this.#answered();
    });
  }

  /** Resolves once the thread may join the set, and keeps it alive until then. Called once. */
  joining(): Promise<void> {
    return new Promise((resolve) => {
      this.#onJoin = resolve;
      this.#port.ref();
    });
  }

  listen(request: ListenRequest, outcome: ListenOutcome): void {
    const id = ++this.#lastId;
    this.#asks.set(id, outcome);
    this.#port.ref();
    this.#send({ type: 'listen', id, request });
  }

  close(index: number): void {
    this.#send({ type: 'unlisten', index });
  }

  /** A thread of the set lives as long as the set. */
  ref(): void {}

  /** Those in this thread: connections that are free, or in another thread, go on without its server. */
  connections(index: number): number {
    return servers.present(index);
  }

  #receive(message: ControlMessage): void {
    if (message.type === 'join') {
      this.#onJoin?.();
      this.#onJoin = null;
      this.#keepAlive();
      return;
    }
    if (message.type === 'draining') {
      emitShutdownSignal();
      return;
    }
    const outcome = this.#asks.get(message.id);
    if (outcome === undefined) return;
    this.#asks.delete(message.id);
    this.#keepAlive();
    if (message.type === 'refused') {
      const { code, errno } = message;
      outcome.failed(Object.assign(new Error(message.message), { code, errno, syscall: 'listen' }));
      return;
    }
    const { index, address } = message;
    this.#granted++;
    outcome.bound({ index, address });
    this.#send({ type: 'attached', index });
    this.#answered();
  }

  #answered(): void {
    if (this.#granted === 0 || this.#asks.size > 0) return;
    this.#onListening?.();
    this.#onListening = null;
  }

  /** The port keeps the thread alive while something is to come from it. */
  #keepAlive(): void {
    if (this.#asks.size === 0 && this.#onJoin === null) this.#port.unref();
  }

  #send(message: ThreadMessage): void {
    this.#port.postMessage(message);
  }
}
