/** Content negotiation by Accept-Encoding: which stored form of a file a client gets (RFC 9110, 12.5.3). */

/** The codings that siblings of a file can have, each with its extension, the better one first. */
export const CODINGS = [
  { name: 'br', extension: '.br' },
  { name: 'gzip', extension: '.gz' },
] as const;

export type Coding = (typeof CODINGS)[number]['name'];

/** A coding, OWS, and perhaps a weight of at most three decimals (RFC 9110, 12.4.2). */
const ELEMENT =
  /^[ \t]*([!#$%&'*+\-.^_`|~0-9a-z]+)[ \t]*(?:;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)[ \t]*)?$/i;

/** Clients send a handful of values; the bound is for clients that generate them. */
const MAX_KNOWN = 64;
const known = new Map<string, readonly Coding[]>();

/**
 * The codings that a client prefers to the plain file, best first. A coding must be named, or covered by `*`; among equal
 * weights the better compression wins. The plain file is preferred only if the client names `identity` with a greater
 * weight. A client that refuses it (`identity;q=0`) and accepts no sibling still gets it, which is more useful than 406.
 *
 * @param field the value of Accept-Encoding; null without the field, for which the plain file is sent
 */
export function acceptedCodings(field: string | null): readonly Coding[] {
  if (field === null || field === '') return [];
  let codings = known.get(field);
  if (codings === undefined) {
    codings = parse(field);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(field, codings);
  }
  return codings;
}

function parse(field: string): Coding[] {
  const weights = new Map<string, number>();
  for (const element of field.split(',')) {
    const match = ELEMENT.exec(element);
    // Malformed elements are ignored.
    if (match === null) continue;
    const name = match[1]!.toLowerCase();
    weights.set(name === 'x-gzip' ? 'gzip' : name, match[2] === undefined ? 1 : Number(match[2]));
  }
  const any = weights.get('*') ?? 0;
  const identity = weights.get('identity') ?? 0;
  const weigh = (name: Coding): number => weights.get(name) ?? any;
  const names = CODINGS.map(({ name }) => name);
  // Sorting is stable: equals stay in the order of CODINGS.
  return names
    .filter((name) => weigh(name) > 0 && weigh(name) >= identity)
    .sort((a, b) => weigh(b) - weigh(a));
}
