/** The iterators of light Headers objects. They have undici's iterator prototype, whose `next` is replaced by one for both. */
import type { HeadersState } from './headers-state.js';
import { replaceMembers } from './patch-prototype.js';
import { bareClass, Given } from './private-state.js';
import { RealHeaders } from './web-globals.js';

type Kind = 'key' | 'value' | 'key+value';

class Carrier extends Given {
  readonly #state: IteratorState;

  constructor(object: object, state: IteratorState) {
    super(object);
    this.#state = state;
  }

  /** The state of a light iterator; null for any other value. Fast path. */
  static stateOf(value: unknown): IteratorState | null {
    return typeof value === 'object' && value !== null && #state in value ? value.#state : null;
  }
}

class IteratorState {
  readonly #headers: HeadersState;
  readonly #kind: Kind;
  #index = 0;

  constructor(headers: HeadersState, kind: Kind) {
    this.#headers = headers;
    this.#kind = kind;
  }

  /** The fields may change between two steps, as the standard allows. */
  next(): IteratorResult<unknown> {
    const fields = this.#headers.sorted();
    if (this.#index >= fields.length) return { value: undefined, done: true };
    const { name, value } = fields[this.#index++]!;
    if (this.#kind === 'key') return { value: name.lower, done: false };
    return { value: this.#kind === 'value' ? value : [name.lower, value], done: false };
  }
}

const iteratorPrototype = Object.getPrototypeOf(new RealHeaders().entries()) as Iterator<unknown>;
const nativeNext = iteratorPrototype.next as () => unknown;

// On import: a light iterator needs it, and real ones behave as before.
replaceMembers(iteratorPrototype, {
  next(this: unknown): unknown {
    const state = Carrier.stateOf(this);
    return state === null ? nativeNext.call(this) : state.next();
  },
});

const Bare = bareClass(iteratorPrototype);

/** What `keys()`, `values()` or `entries()` return. */
export function iteratorOf(headers: HeadersState, kind: Kind): Iterator<unknown> {
  const iterator = new Bare();
  new Carrier(iterator, new IteratorState(headers, kind));
  return iterator;
}
