/**
 * Tells light objects from real ones. Both have undici's prototype, so that `instanceof`, `constructor` and anything that an
 * app puts on `Request.prototype` or `Response.prototype` work for both. A light object has its state in a private field,
 * which no code outside this file can see, name or forge.
 */

/** A constructor that returns its argument, so that the fields of a derived class are added to that object. */
function given(object: object): object {
  return object;
}
const Given = given as unknown as new (object: object) => object;

class Carrier extends Given {
  readonly #state: object;

  constructor(object: object, state: object) {
    super(object);
    this.#state = state;
  }

  static stateOf(value: unknown): object | null {
    return typeof value === 'object' && value !== null && #state in value ? value.#state : null;
  }
}

/** Makes `object` a light one. To be called once per object. */
export function attachState(object: object, state: object): void {
  new Carrier(object, state);
}

/** The state that `attachState` gave to the value; null when it is not a light object. Fast path. */
export const privateStateOf: (value: unknown) => object | null = Carrier.stateOf;

/** A class whose objects have the given prototype and no fields. */
export function bareClass<T extends object>(prototype: T): new () => T {
  function Bare(): void {}
  Bare.prototype = prototype;
  return Bare as unknown as new () => T;
}
