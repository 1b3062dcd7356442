/** The client of one server: some kept-alive connections, which take turns, and a new one for each request of a burst. */
import { Agent, type ClientRequest, get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { AnswerTuple, ServerReport, Target } from './load-messages.js';
import type { Mix } from './mixes.js';

/** Kept-alive. A request that is due while all of them wait for answers goes to the first that is free. */
const CONNECTIONS = 32;
/** Requests that may be out; further ones fail. A server that answers nothing at all must not fill the memory. */
const MAX_OUT = 5000;

/** Before any time at which a request is due. */
const NEVER = Number.NEGATIVE_INFINITY;

/** How long opening the connections may take. */
const OPEN_MS = 2000;

interface Request {
  readonly dueMs: number;
  readonly kind: number;
  readonly holds: boolean;
}

export class Client {
  readonly #target: Target;
  // First in, first out: every connection is used, and not only the warmest.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, scheduling: 'fifo' });
  #out = new Set<Request>();
  #answers: AnswerTuple[] = [];
  #asked = 0;
  #failed = 0;
  /** Requests that hold a thread: how many are out, and when the last one was answered. */
  #holding = 0;
  #heldUntilMs = NEVER;

  constructor(target: Target) {
    this.#target = target;
  }

  /**
   * Opens all connections. Resolves even where the server refuses them, or is slow: that is for the figures to show.
   *
   * @param maxMs how long that may take. Default: 2000
   */
  async open({ kinds: [{ path }] }: Mix, maxMs = OPEN_MS): Promise<void> {
    const one = (): Promise<void> =>
      new Promise((resolve) => {
        const request = this.#get(path, this.#agent, (response) => {
          response.resume();
          response.on('close', resolve);
        });
        request.on('error', () => resolve());
      });
    const all = Promise.all(Array.from({ length: CONNECTIONS }, one));
    await Promise.race([all, delay(maxMs, undefined, { ref: false })]);
  }

  /** Forgets what is out, which no longer counts. */
  begin(): void {
    this.#out = new Set();
    this.#holding = 0;
    this.#heldUntilMs = NEVER;
    this.report(performance.now());
  }

  /** Sends a request that was due at `dueMs` of performance.now(). */
  send({ kinds, burst }: Mix, kind: number, dueMs: number): void {
    const known = kinds[kind];
    const path = known?.path ?? burst!.path;
    const request: Request = { dueMs, kind, holds: known?.holds ?? false };
    this.#asked++;
    if (this.#out.size >= MAX_OUT) {
      this.#failed++;
      return;
    }
    const out = this.#out.add(request);
    if (request.holds) this.#holding++;
    // Of a load that has been replaced nothing counts any more.
    const ended = (ok: boolean): void => {
      if (out === this.#out && out.delete(request)) this.#ended(request, ok);
    };
    this.#ask(path, known === undefined, ended);
  }

  #ask(path: string, fresh: boolean, ended: (ok: boolean) => void, again = false): void {
    const request = this.#get(path, fresh ? false : this.#agent, (response) => {
      response.resume();
      response.on('end', () => ended(response.statusCode! < 400));
      response.on('close', () => ended(false));
    });
    request.on('error', () => {
      // The server may close an idle connection at the moment at which it is used again (RFC 9112, 9.3.1).
      if (request.reusedSocket && !again) this.#ask(path, fresh, ended, true);
      else ended(false);
    });
  }

  #get(path: string, agent: Agent | false, onResponse: (response: IncomingMessage) => void): ClientRequest {
    return get({ ...this.#target, path, agent }, onResponse);
  }

  #ended({ dueMs, kind, holds }: Request, ok: boolean): void {
    const nowMs = performance.now();
    const behind = !holds && (this.#holding > 0 || this.#heldUntilMs > dueMs) ? 1 : 0;
    if (holds) {
      this.#holding--;
      this.#heldUntilMs = nowMs;
    }
    if (!ok) this.#failed++;
    else this.#answers.push([round(performance.timeOrigin + dueMs), round(nowMs - dueMs), kind, behind]);
  }

  /** What has happened since the last report. */
  report(nowMs: number): ServerReport {
    const [oldest] = this.#out;
    const report = {
      asked: this.#asked,
      answers: this.#answers,
      failed: this.#failed,
      out: this.#out.size,
      oldestMs: oldest === undefined ? 0 : round(nowMs - oldest.dueMs),
    };
    this.#asked = 0;
    this.#answers = [];
    this.#failed = 0;
    return report;
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
