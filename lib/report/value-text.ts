/** A value that is no error, as text. */
import { inspect, types } from 'node:util';

/** What `inspect` shows of a value; it has no bound of its own for properties. */
const SHOWN = { depth: 2, maxArrayLength: 20, maxStringLength: 4096 };
const MAX_PROPERTIES = 1000;

/** @throws what code of the value throws: its own `toString`, or that of `inspect` */
export function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (countProperties(value, SHOWN.depth) <= MAX_PROPERTIES) return inspect(value, SHOWN);
  return `${Object.prototype.toString.call(value)} with more than ${MAX_PROPERTIES} properties`;
}

/** How many properties would be shown; it stops counting soon after MAX_PROPERTIES. Calls no getter, and no trap of a proxy. */
function countProperties(value: object, depth: number): number {
  if (types.isProxy(value) || ArrayBuffer.isView(value)) return 0;
  const shown: object = Array.isArray(value) ? value.slice(0, SHOWN.maxArrayLength) : value;
  const keys = Object.keys(shown);
  let count = keys.length;
  for (const key of depth > 0 ? keys : []) {
    if (count > MAX_PROPERTIES) break;
    const inner: unknown = Reflect.getOwnPropertyDescriptor(shown, key)?.value;
    if (typeof inner === 'object' && inner !== null) count += countProperties(inner, depth - 1);
  }
  return count;
}
