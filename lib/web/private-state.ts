/**
 * Tells light objects from real ones. Both have undici's prototype, so that `instanceof`, `constructor` and anything that an
 * app puts on `Request.prototype` or `Response.prototype` work for both. A light object has its state in a private field,
 * which no code outside the light class's own file can see, name or forge:
 *
 *   class Carrier extends Given {
 *     readonly #state: State;
 *     constructor(object: object, state: State) {
 *       super(object);
 *       this.#state = state;
 *     }
 *     static stateOf(value: unknown): State | null {
 *       return typeof value === 'object' && value !== null && #state in value ? value.#state : null;
 *     }
 *   }
 *
 * Each light class has a carrier of its own, written out: V8 would see objects of too many shapes in a shared one, which makes
 * a plain response twice as slow.
 */

/** A constructor that returns its argument, so that the fields of a derived class are added to that object. */
function given(object: object): object {
  return object;
}
export const Given = given as unknown as new (object: object) => object;

/** A class whose objects have the given prototype and no fields. */
export function bareClass<T extends object>(prototype: T): new () => T {
  function Bare(): void {}
  Bare.prototype = prototype;
  return Bare as unknown as new () => T;
}
