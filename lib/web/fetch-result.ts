/** What a fetch-style handler may return; to-outgoing.ts makes responses of it. */

/**
 * A handler's result: a Response; or, as shorthand with status 200, a string (`text/plain`), bytes (`application/octet-stream`), or data
 * (`application/json`).
 */
export type FetchResult = Response | string | ArrayBuffer | ArrayBufferView | JsonData;

/** A plain object or an array, or an object with `toJSON()`. */
export type JsonData =
  | Readonly<Record<string, unknown>>
  | readonly unknown[]
  | { toJSON(...given: never[]): unknown }
  | ObjectData;

/**
 * Objects whose type is an interface; the compiler cannot tell them from objects of a class, which are refused. Excluded are functions,
 * promises (inside a promise they would do as an object), streams, and classes as Map and Set.
 */
type ObjectData = object & {
  readonly call?: never;
  readonly then?: never;
  readonly getReader?: never;
  readonly [Symbol.toStringTag]?: never;
};
