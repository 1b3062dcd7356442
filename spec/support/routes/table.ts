/** What holds in a route table whenever no thread is changing it. */
import * as assert from 'uvu/assert';
import {
  RESERVED_ROUTE_TAGS,
  ROUTE_CLASS,
  ROUTE_SETS,
  ROUTE_SLOTS,
  ROUTE_TAGS,
  ROUTE_WAYS,
  ROUTES_KNOWN,
  routeRecord,
} from '../../../lib/memory/route-words.js';
import { LEARNED } from '../../../lib/routes/route-table.js';
import { range } from '../server/wait.js';

/** A hash of the given set; the same number gives the same hash. */
export const hashIn = (set: number, number: number): number => ((set << 27) | (number + 1000)) >> 0;

/** The tags of all slots in use. */
export function tagsOf(memory: SharedArrayBuffer): number[] {
  const words = new Int32Array(memory);
  return [...words.subarray(ROUTE_TAGS, ROUTE_TAGS + ROUTE_SLOTS)].filter((tag) => tag !== 0);
}

/** No slot is being written, no route has two, and ROUTES_KNOWN agrees with the tags. */
export function assertConsistent(memory: SharedArrayBuffer, message = ''): void {
  const words = new Int32Array(memory);
  const tags = tagsOf(memory);
  assert.equal(
    tags.filter((tag) => tag > 0 && tag < RESERVED_ROUTE_TAGS),
    [],
    `being written ${message}`,
  );
  assert.is(new Set(tags).size, tags.length, `slots of one route ${message}`);
  const isLearned = (slot: number) =>
    words[ROUTE_TAGS + slot] !== 0 && words[routeRecord(slot) + ROUTE_CLASS] === LEARNED;
  let known = 0;
  for (const set of range(ROUTE_SETS)) {
    if (range(ROUTE_WAYS).some((way) => isLearned(set * ROUTE_WAYS + way))) known |= 1 << set;
  }
  assert.is(words[ROUTES_KNOWN], known, `ROUTES_KNOWN ${message}`);
}
