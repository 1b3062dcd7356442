/**
 * Routes as a thread's HTTP connections see them: whether the next request's route is known to block, and where its holds are learned. A
 * declaration of the app wins over what was learned.
 */
import type { DeclaredRoute, DeclaredRoutes } from '../routes/declared-routes.js';
import { routeHash, routeName } from '../routes/route-key.js';
import { BLOCKING_MICROS, DECLARED_BLOCKING, NO_SLOT, type RouteTable } from '../routes/route-table.js';
import type { RequestHead } from '../web/request-head.js';
import type { RequestParser } from './parser/request-parser.js';

/** What is known of a request's route. */
export interface Route {
  /** The key of its slot in the table; 0 for a route that is neither declared nor learned. */
  readonly hash: number;
  readonly declared: DeclaredRoute | undefined;
  readonly blocks: boolean;
}

/** A head up to the end of its request line, as latin1. */
export type RequestLine = Pick<RequestHead, 'text' | 'methodEnd' | 'targetStart' | 'targetEnd'>;

/**
 * The first long hold of a route in a thread counts as this at most: the call may have loaded modules, and had its code compiled, which each
 * thread does for itself.
 */
const MAX_FIRST_MICROS = 4000;
/** Routes that a thread remembers to have had a long hold. */
const MAX_MET = 1024;

const UNKNOWN: Route = { hash: 0, declared: undefined, blocks: false };

/**
 * Whether a request of the route may hold its thread for long: it is known to block, or has once held a thread for long enough to be learned,
 * unless the app has declared that it does not block.
 */
export const mayTakeLong = ({ blocks, hash, declared }: Route): boolean =>
  blocks || (hash !== 0 && declared === undefined);

/** The route of a request: the pattern that the app has declared for it, or else its name as learned ones have it. */
export function describeRoute({ declared }: Route, head: RequestLine): string {
  return declared === undefined ? nameOf(head) : declared.name;
}

function nameOf({ text, methodEnd, targetStart, targetEnd }: RequestLine): string {
  return routeName(Buffer.from(text.slice(0, targetEnd), 'latin1'), 0, methodEnd, targetStart, targetEnd);
}

export class Routes {
  readonly #table: RouteTable;
  readonly #declared: DeclaredRoutes;
  readonly #hasDeclared: boolean;
  /** Hashes of routes that have had a long hold in this thread. */
  readonly #met = new Set<number>();

  constructor(table: RouteTable, declared: DeclaredRoutes) {
    this.#table = table;
    this.#declared = declared;
    this.#hasDeclared = !declared.isEmpty;
  }

  /** The route of the head that the parser has just completed. One plain load where none is declared, and none was learned. */
  of(bytes: Uint8Array, parser: RequestParser): Route {
    return this.#hasDeclared || this.#table.anyKnown ? this.#find(bytes, parser) : UNKNOWN;
  }

  #find(bytes: Uint8Array, { messageStart, methodEnd, targetStart, targetEnd }: RequestParser): Route {
    const methodTo = messageStart + methodEnd;
    const from = messageStart + targetStart;
    const to = messageStart + targetEnd;
    if (this.#hasDeclared) {
      const declared = this.#declared.routeOf(bytes, messageStart, methodTo, from, to);
      if (declared !== undefined)
        return { hash: declared.hash, declared, blocks: declared.routeClass === DECLARED_BLOCKING };
      if (!this.#table.anyKnown) return UNKNOWN;
    }
    const hash = routeHash(bytes, messageStart, methodTo, from, to);
    const slot = this.#table.find(hash);
    return slot === NO_SLOT ? UNKNOWN : { hash, declared: undefined, blocks: this.#table.blocks(slot) };
  }

  /** A request of the route is handed over. */
  noteHandOver(route: Route): void {
    this.#table.noteHandOver(this.#table.find(route.hash));
  }

  /** A request with that head has held its thread for so long. */
  learn({ hash, declared }: Route, head: RequestLine, micros: number): void {
    if (declared !== undefined) {
      this.#table.learn(hash, micros, () => declared.name, declared.routeClass);
      return;
    }
    if (hash === 0 && micros < BLOCKING_MICROS) return;
    const { text, methodEnd, targetStart, targetEnd } = head;
    const bytes = Buffer.from(text.slice(0, targetEnd), 'latin1');
    const key = hash === 0 ? routeHash(bytes, 0, methodEnd, targetStart, targetEnd) : hash;
    const counted =
      micros < BLOCKING_MICROS || this.#hasMet(key) ? micros : Math.min(micros, MAX_FIRST_MICROS);
    this.#table.learn(key, counted, () => routeName(bytes, 0, methodEnd, targetStart, targetEnd));
  }

  #hasMet(key: number): boolean {
    if (this.#met.has(key)) return true;
    // Clients can invent routes; what is forgotten counts as new.
    if (this.#met.size >= MAX_MET) this.#met.clear();
    this.#met.add(key);
    return false;
  }
}
