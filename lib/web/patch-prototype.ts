/**
 * Patches undici's prototypes with the members of a light class. Each member checks its object first: a light one is served
 * from its state, any other is delegated to undici's own member, which also throws for objects of neither kind.
 */
type Members = Record<string, PropertyDescriptor>;

/**
 * Replaces the members of `target` by those of `source` with the same names, and preserves everything else: order,
 * enumerability, names and lengths of functions. A member that `target` lacks (older versions of Node.js) stays missing.
 */
export function replaceMembers(target: object, source: object): void {
  for (const name of Reflect.ownKeys(source)) {
    const native = Object.getOwnPropertyDescriptor(target, name);
    if (native === undefined) continue;
    const { get, value } = Object.getOwnPropertyDescriptor(source, name)!;
    if (native.get !== undefined && get !== undefined) {
      Object.defineProperty(target, name, { ...native, get: alike(get, native.get) });
    } else if (typeof native.value === 'function' && typeof value === 'function') {
      Object.defineProperty(target, name, { ...native, value: alike(value, native.value) });
    }
  }
}

/**
 * Delegates the members that `target` has and `source` does not (newer versions of Node.js) to the real object.
 *
 * @param realOf returns the real object in place of a light one, and any other object unchanged
 */
export function delegateRest(target: object, source: object, realOf: (object: unknown) => unknown): void {
  const rest: Members = {};
  for (const [name, native] of Object.entries<PropertyDescriptor>(Object.getOwnPropertyDescriptors(target))) {
    const { get, value } = native;
    if (name === 'constructor' || Object.hasOwn(source, name)) continue;
    if (get !== undefined) {
      rest[name] = {
        get(this: unknown) {
          return get.call(realOf(this));
        },
        enumerable: true,
      };
    } else if (typeof value === 'function') {
      const call = {
        [name](this: unknown, ...args: unknown[]) {
          return value.apply(realOf(this), args);
        },
      };
      rest[name] = { value: call[name], enumerable: true };
    }
  }
  replaceMembers(target, Object.defineProperties({}, rest));
}

/**
 * Makes `ours` the global class in place of `native`: with its prototype, statics, name and length. A function, because a class
 * cannot be given the prototype of another one.
 *
 * @param statics members of `ours` that replace those of `native` with the same names
 */
export function replaceClass(
  ours: object,
  native: { prototype: object; name: string },
  statics: object,
): void {
  const members: Members = Object.getOwnPropertyDescriptors(statics);
  for (const [key, property] of Object.entries<PropertyDescriptor>(
    Object.getOwnPropertyDescriptors(native),
  )) {
    const value = Object.hasOwn(members, key) ? members[key]!.value : property.value;
    if (typeof property.value === 'function') alike(value, property.value);
    Object.defineProperty(ours, key, { ...property, value });
  }
  const global = { value: ours, writable: true, enumerable: false, configurable: true };
  Object.defineProperty(native.prototype, 'constructor', global);
  Object.defineProperty(globalThis, native.name, global);
}

/** Gives a function the name and length of the one that it replaces. */
export function alike<T extends object>(ours: T, native: object): T {
  for (const key of ['length', 'name']) {
    Object.defineProperty(ours, key, Object.getOwnPropertyDescriptor(native, key)!);
  }
  return ours;
}
