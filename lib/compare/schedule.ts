/**
 * When each request of the open loop is due, for which server, and of which kind. Requests are due at fixed times whatever the answers
 * take, so that a server that stalls is not asked less.
 *
 *   together   every server at the same moments; which one is sent its request first rotates
 *   in turns   one server after the other, a second each, of which the last fifth is for answers that are still out
 */
import { kindOf, type Mix } from './mixes.js';

export interface Load {
  readonly mix: Mix;
  /** Requests per second to each server; in turns, while it is its turn. */
  readonly rate: number;
  readonly turns: boolean;
}

/** A request that is due. */
export interface Due {
  readonly server: number;
  /** A number of the mix's kinds; the number after the last of them for a request of a burst. */
  readonly kind: number;
  /** After the beginning of the schedule. */
  readonly dueMs: number;
}

const TURN_MS = 1000;
/** The share of a turn in which requests are due. */
const SENDING_SHARE = 0.8;

export class Schedule {
  readonly #load: Load;
  readonly #servers: number;
  readonly #perTurn: number;
  /** The next step: requests that are due at the same moment. */
  #next = 0;

  constructor(load: Load, servers: number) {
    this.#load = load;
    this.#servers = servers;
    this.#perTurn = Math.max(1, Math.floor((load.rate * SENDING_SHARE * TURN_MS) / 1000));
  }

  /** Removes what is due up to `nowMs` after the beginning, in its order. */
  take(nowMs: number): Due[] {
    const due: Due[] = [];
    for (let dueMs = this.#dueMs(this.#next); dueMs <= nowMs; dueMs = this.#dueMs(this.#next)) {
      due.push(...this.#step(this.#next, dueMs));
      this.#next++;
    }
    return due;
  }

  #dueMs(step: number): number {
    const { rate, turns } = this.#load;
    if (!turns) return (step * 1000) / rate;
    return Math.floor(step / this.#perTurn) * TURN_MS + ((step % this.#perTurn) * 1000) / rate;
  }

  #step(step: number, dueMs: number): Due[] {
    if (!this.#load.turns) {
      const first = step % this.#servers;
      const inOrder = Array.from({ length: this.#servers }, (_, index) => (first + index) % this.#servers);
      // All of a burst to one server before the next would make the last one's late.
      return this.#kindsOf(step).flatMap((kind) => inOrder.map((server) => ({ server, kind, dueMs })));
    }
    const turn = Math.floor(step / this.#perTurn);
    const own = Math.floor(turn / this.#servers) * this.#perTurn + (step % this.#perTurn);
    return this.#kindsOf(own).map((kind) => ({ server: turn % this.#servers, kind, dueMs }));
  }

  /** The kinds of what is due with a server's own request number `n`. */
  #kindsOf(n: number): number[] {
    const { mix, rate } = this.#load;
    const kinds = [kindOf(n, mix.kinds)];
    if (mix.burst !== null && n % Math.ceil(rate) === 0) {
      kinds.push(...new Array<number>(mix.burst.connections).fill(mix.kinds.length));
    }
    return kinds;
  }
}
