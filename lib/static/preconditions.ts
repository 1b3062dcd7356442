/** Conditional requests (RFC 9110, 13). */
import type { Representation } from './representation.js';
import type { RequestFields } from './request-fields.js';

const PROCEED = 200;
export const NOT_MODIFIED = 304;
export const PRECONDITION_FAILED = 412;

const TAGS = /(W\/)?("[!\x23-\x7e\x80-\xff]*")/g;

const IMF_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC850_DATE = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME_DATE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** Evaluates the conditions of a GET or HEAD request in the order of RFC 9110, 13.2.2, except If-Range. */
export function evaluate(
  fields: Readonly<RequestFields>,
  representation: Representation,
): typeof PROCEED | typeof NOT_MODIFIED | typeof PRECONDITION_FAILED {
  const ifMatch = fields['if-match'];
  const ifNoneMatch = fields['if-none-match'];
  if (ifMatch !== null) {
    if (!matches(ifMatch, representation, true)) return PRECONDITION_FAILED;
  } else if (isModifiedSince(fields['if-unmodified-since'], representation) === true) {
    return PRECONDITION_FAILED;
  }
  if (ifNoneMatch !== null) {
    if (matches(ifNoneMatch, representation, false)) return NOT_MODIFIED;
  } else if (isModifiedSince(fields['if-modified-since'], representation) === false) {
    return NOT_MODIFIED;
  }
  return PROCEED;
}

/**
 * Evaluates If-Range: whether a range may be served, because the client's part is of the same content. A weak validator
 * never matches (RFC 9110, 13.1.5).
 */
export function rangeApplies(ifRange: string | null, { strong, tag, lastModified }: Representation): boolean {
  if (ifRange === null) return true;
  return strong && (ifRange === tag || ifRange === lastModified);
}

/** Whether a list of entity tags contains that of the representation; `*` matches any (RFC 9110, 8.8.3.2). */
function matches(list: string, { tag, strong }: Representation, strongly: boolean): boolean {
  if (list === '*') return true;
  if (strongly && !strong) return false;
  for (const [, weak, given] of list.matchAll(TAGS)) {
    if (given === tag && !(strongly && weak !== undefined)) return true;
  }
  return false;
}

/** null when there is no date to compare with; an invalid HTTP date is ignored (RFC 9110, 13.1.3 and 13.1.4). */
function isModifiedSince(date: string | null, { lastModified, modifiedS }: Representation): boolean | null {
  if (date === null) return null;
  // Fast path: clients send back the value that they were sent.
  if (date === lastModified) return false;
  const sinceMs = parseHttpDate(date);
  return Number.isNaN(sinceMs) ? null : modifiedS * 1000 > sinceMs;
}

/** Milliseconds since 1970 of a date in one of the three forms of RFC 9110, 5.6.7, or NaN. */
function parseHttpDate(text: string): number {
  if (IMF_DATE.test(text) || RFC850_DATE.test(text)) return Date.parse(text);
  return ASCTIME_DATE.test(text) ? Date.parse(`${text} GMT`) : Number.NaN;
}
