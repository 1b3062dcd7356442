/**
 * How a light object is told from a real one. Both have undici's prototype, so that `instanceof`, `constructor` and
 * whatever an app puts on `Request.prototype` or `Response.prototype` hold for both; a light one carries its state in a
 * private field, which nobody outside of this file can see, name or forge.
 */

/** A constructor that gives back what it is given, so that the fields of a class derived from it are put on that object. */
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

/** Makes `object` a light one. To be called once for an object. */
export function attachState(object: object, state: object): void {
  new Carrier(object, state);
}

/** What `attachState` was given for the value; null when it is no light object. Fast path. */
export const privateStateOf: (value: unknown) => object | null = Carrier.stateOf;

/** A class whose objects have the prototype and nothing else. */
export function bareClass<T extends object>(prototype: T): new () => T {
  function Bare(): void {}
  Bare.prototype = prototype;
  return Bare as unknown as new () => T;
}
