/**
 * The Headers object of a light request or response, and the one that an app constructs. Its fields are in a HeadersState;
 * this file has the members on the prototype, the factory, the constructor, and the installation of the global class.
 *
 * A light object can do everything itself. undici's class is asked for its errors and for inspection, with an object that is
 * made for that call, and for an init that is not plain, which becomes one of its objects.
 *
 * docs/decisions/0009-light-classes.md says why it is built this way.
 */
import { inspect } from 'node:util';
import workerThreads from 'node:worker_threads';
import { nameOf } from './field-names.js';
import { iteratorOf } from './headers-iterator.js';
import { HeadersState, normalized } from './headers-state.js';
import { delegateRest, replaceClass, replaceMembers } from './patch-prototype.js';
import { bareClass, Given } from './private-state.js';
import { nativeHeaders, RealHeaders, RealResponse } from './web-globals.js';

/** Has structuredClone() refuse an object, as undici does for its own, in the versions of Node.js that have it. */
const { markAsUncloneable } = workerThreads as { markAsUncloneable?: (object: object) => void };

class Carrier extends Given {
  readonly #state: HeadersState;

  constructor(object: object, state: HeadersState) {
    super(object);
    this.#state = state;
  }

  /** The state of a light object; null for any other value. Fast path. */
  static stateOf(value: unknown): HeadersState | null {
    return typeof value === 'object' && value !== null && #state in value ? value.#state : null;
  }
}

/** The state of a light Headers object; null for any other value. */
export const { stateOf: headersStateOf } = Carrier;

/** undici's own exception for a call that it refuses; of `fixed` headers if they are. */
function refuse(state: HeadersState, name: string, args: readonly unknown[]): void {
  nativeHeaders.call(state.fixed ? RealResponse.error().headers : new RealHeaders(), name, args);
}

/**
 * A new Headers object of undici with the fields of a light one, in the same order and spelling; any other value as it is. Changes
 * to one do not apply to the other.
 */
function realOf(value: unknown): unknown {
  const state = headersStateOf(value);
  if (state === null) return value;
  const headers = new RealHeaders();
  for (const { name, value: text } of state.fields())
    nativeHeaders.call(headers, 'append', [name.given, text]);
  return headers;
}

/** The argument at `index` as a string. @throws undici's TypeError when it is missing or cannot be one */
function textOf(args: readonly unknown[], index: number, state: HeadersState, member: string): string {
  const value = args[index];
  if (typeof value === 'string') return value;
  if (typeof value === 'symbol' || args.length <= index) refuse(state, member, args);
  return String(value);
}

/** append() and set(). */
function changeField(state: HeadersState, member: 'append' | 'set', args: readonly unknown[]): void {
  if (args.length < 2) refuse(state, member, args);
  const given = textOf(args, 0, state, member);
  const text = textOf(args, 1, state, member);
  const name = nameOf(given);
  const value = normalized(text);
  if (name === null || value === null || state.fixed) refuse(state, member, [given, text]);
  else state[member](name, value);
}

const members = {
  append(this: unknown, ...args: unknown[]): unknown {
    const state = headersStateOf(this);
    if (state === null) return nativeHeaders.call(this, 'append', args);
    return changeField(state, 'append', args);
  },
  delete(this: unknown, ...args: unknown[]): unknown {
    const state = headersStateOf(this);
    if (state === null) return nativeHeaders.call(this, 'delete', args);
    const given = textOf(args, 0, state, 'delete');
    const name = nameOf(given);
    if (name === null || state.fixed) return refuse(state, 'delete', [given]);
    return state.delete(name);
  },
  get(this: unknown, ...args: unknown[]): unknown {
    const state = headersStateOf(this);
    if (state === null) return nativeHeaders.call(this, 'get', args);
    const name = textOf(args, 0, state, 'get');
    const value = state.get(name);
    if (value === null && nameOf(name) === null) refuse(state, 'get', [name]);
    return value;
  },
  has(this: unknown, ...args: unknown[]): unknown {
    const state = headersStateOf(this);
    if (state === null) return nativeHeaders.call(this, 'has', args);
    const name = textOf(args, 0, state, 'has');
    const has = state.has(name);
    if (!has && nameOf(name) === null) refuse(state, 'has', [name]);
    return has;
  },
  set(this: unknown, ...args: unknown[]): unknown {
    const state = headersStateOf(this);
    if (state === null) return nativeHeaders.call(this, 'set', args);
    return changeField(state, 'set', args);
  },
  getSetCookie(this: unknown): unknown {
    const state = headersStateOf(this);
    return state === null ? nativeHeaders.call(this, 'getSetCookie') : state.cookies();
  },
  keys(this: unknown): unknown {
    const state = headersStateOf(this);
    return state === null ? nativeHeaders.call(this, 'keys') : iteratorOf(state, 'key');
  },
  values(this: unknown): unknown {
    const state = headersStateOf(this);
    return state === null ? nativeHeaders.call(this, 'values') : iteratorOf(state, 'value');
  },
  entries(this: unknown): unknown {
    const state = headersStateOf(this);
    return state === null ? nativeHeaders.call(this, 'entries') : iteratorOf(state, 'key+value');
  },
  forEach(this: unknown, ...args: unknown[]): unknown {
    const state = headersStateOf(this);
    if (state === null) return nativeHeaders.call(this, 'forEach', args);
    const [callback, receiver = globalThis] = args;
    if (typeof callback !== 'function') return refuse(state, 'forEach', args);
    for (let at = 0; at < state.sorted().length; at++) {
      const { name, value } = state.sorted()[at]!;
      callback.call(receiver, value, name.lower, this);
    }
    return undefined;
  },
  [inspect.custom](this: unknown, ...args: unknown[]): unknown {
    return nativeHeaders.call(realOf(this), inspect.custom, args);
  },
};

// One function under both names, which undici looks for in a headers init.
Object.defineProperty(members, Symbol.iterator, { value: members.entries });

// On import: a light object needs these members, and real ones behave as before.
replaceMembers(RealHeaders.prototype, members);
delegateRest(RealHeaders.prototype, members, realOf);

const Bare = bareClass(RealHeaders.prototype);

/** Makes the Headers object of a state. */
export function headersOf(state: HeadersState): Headers {
  const headers = new Bare();
  new Carrier(headers, state);
  markAsUncloneable?.(headers);
  return headers;
}

/** The state for a headers init; null when the real class must parse it, or refuse it. */
export function stateFor(init: unknown): HeadersState | null {
  const state = headersStateOf(init);
  if (state === null) return HeadersState.made(init);
  // A subclass may have its own way of iterating.
  return (init as Headers)[Symbol.iterator] === RealHeaders.prototype.entries ? state.copy() : null;
}

/** The global class. Subclasses work as usual: `super()` gets an object with the subclass's prototype. */
function LightHeaders(this: object, ...args: unknown[]): object {
  if (new.target === undefined) {
    throw new TypeError("Class constructor Headers cannot be invoked without 'new'");
  }
  const state = stateFor(args[0]);
  if (state === null) return Reflect.construct(RealHeaders, args, new.target);
  new Carrier(this, state);
  markAsUncloneable?.(this);
  return this;
}

/** Replaces the global Headers. */
export function installHeaders(): void {
  replaceClass(LightHeaders, RealHeaders, {});
}
