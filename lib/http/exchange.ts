/**
 * One request and its response, from the complete head to the last byte sent.
 *
 * The handler's outcome may come while the connection is being processed or later, from the thread's event loop; it is
 * only noted here, and the connection is told to go on. All reading and writing happens in the connection.
 */
import { FileBody } from '../static/file-body.js';
import { passedOn } from '../web/chunk-garbage.js';
import { IncomingBody } from '../web/incoming-body.js';
import { type Outgoing, toOutgoing } from '../web/outgoing.js';

/** States of the handler's outcome. */
export const RUNNING = 0;
export const RETURNED = 1;
export const THREW = 2;
/** The outcome was taken and the response begun. */
export const ANSWERED = 3;

/** The connection as an exchange sees it. */
export interface ExchangeOwner {
  /** The exchange has news; the connection goes on as soon as it can. */
  wake(): void;
  /** The handler wants the body that the client holds back until it is told to go on. */
  sendContinue(exchange: Exchange): void;
}

export class Exchange {
  /** What the handler gets. Set right after construction, because its body belongs to the exchange. */
  request!: Request;
  readonly body: IncomingBody | null;
  state = RUNNING;
  /** What the handler returned or threw. */
  outcome: unknown;
  /** When it began, as the thread's recorder said. */
  began = 0;
  dispatched = false;
  /** The last byte of the request has been parsed. */
  received = false;
  /** The response body while it is being streamed, or sent from a file from `fileAt` on. */
  stream: ResponseStream | null = null;
  file: FileBody | null = null;
  fileAt = 0;
  /** The connection is gone: whatever the handler still returns has no use. */
  abandoned = false;

  constructor(
    readonly owner: ExchangeOwner,
    hasBody: boolean,
    readonly keepAlive: boolean,
    readonly minorVersion: number,
    readonly isHead: boolean,
    /** The client waits for 100 Continue, and has not been sent it. */
    public awaitsContinue: boolean,
  ) {
    this.body = hasBody ? new IncomingBody(this) : null;
  }

  /** BodySource: the body's queue has room again. */
  resume(): void {
    this.owner.wake();
  }

  /** BodySource: the handler asks for the body. */
  onFirstUse(): void {
    if (this.awaitsContinue && !this.received) this.owner.sendContinue(this);
    this.awaitsContinue = false;
  }

  /** Notes what the handler returned, once a promise of it is fulfilled. */
  follow(result: PromiseLike<unknown>): void {
    this.state = RUNNING;
    result.then(
      (value) => this.#settle(RETURNED, value),
      (error) => this.#settle(THREW, error),
    );
  }

  #settle(state: number, outcome: unknown): void {
    if (this.abandoned) {
      if (state === RETURNED) dispose(outcome);
      return;
    }
    this.state = state;
    this.outcome = outcome;
    this.owner.wake();
  }
}

/** Gives back what an unwanted response holds: a file, or the source of a stream. */
function dispose(outcome: unknown): void {
  try {
    const { body } = toOutgoing(outcome) as Outgoing;
    if (body instanceof FileBody) body.close();
    else if (body instanceof ReadableStream) body.cancel().catch(() => {});
  } catch {
    // It was no response; nobody is left to be told.
  }
}

/** A response body that comes as a stream: at most one chunk is in hand. */
export class ResponseStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #owner: ExchangeOwner;
  #reading = false;
  chunk: Uint8Array | null = null;
  done = false;
  error: unknown = null;

  /** @param remaining bytes that the head announced, -1 when it announced none */
  constructor(
    body: ReadableStream<Uint8Array>,
    owner: ExchangeOwner,
    readonly framing: number,
    public remaining: number,
  ) {
    this.#reader = body.getReader();
    this.#owner = owner;
  }

  /** Asks for the next chunk, unless it was asked for already. */
  pull(): void {
    if (this.#reading || this.done || this.chunk !== null) return;
    this.#reading = true;
    this.#reader.read().then(
      ({ done, value }) => {
        this.#reading = false;
        if (done) this.done = true;
        else this.#take(value);
        this.#owner.wake();
      },
      (error) => {
        this.#reading = false;
        this.error = error ?? new Error('the response body failed');
        this.#owner.wake();
      },
    );
  }

  /** Nobody reads on: the source may stop. */
  cancel(reason: unknown): void {
    this.#reader.cancel(reason).catch(() => {});
  }

  #take(value: unknown): void {
    if (value instanceof Uint8Array) {
      passedOn(value.byteLength);
      this.chunk = value;
    } else this.error = new TypeError('a response body stream must give Uint8Array chunks');
  }
}
