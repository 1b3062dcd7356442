/** Checks that all options share, and their errors. */
import { PacelineError } from '../errors.js';

/** In characters: enough for any name or number that a user could mean. */
const SHOWN_MAX = 80;

/**
 * Returns `value` where it is a whole number from `min` to `max`.
 *
 * @throws PacelineError `PACELINE_OPTION`, with `name` as the user spelled the option
 */
export function wholeNumber(value: unknown, name: string, min: number, max: number): number {
  if (isWholeNumber(value, min, max)) return value;
  throw optionError(`${name} must be a whole number from ${min} to ${max}, not ${show(value)}`);
}

export function isWholeNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

/**
 * Refuses the first of `names` that is not among `valid`, with the nearest valid one as a hint.
 *
 * @throws PacelineError `PACELINE_OPTION`
 */
export function refuseUnknownNames(
  names: readonly string[],
  valid: readonly string[],
  kind: string,
  validNamed = valid.join(', '),
): void {
  const unknown = names.find((name) => !valid.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, valid);
  const hint = near === undefined ? `valid: ${validNamed}` : `did you mean ${near}?`;
  throw optionError(`there is no ${kind} ${show(unknown)}; ${hint}`);
}

/** A `PACELINE_OPTION` error. */
export function optionError(message: string, options?: ErrorOptions): PacelineError {
  return new PacelineError('PACELINE_OPTION', message, options);
}

/** `value` in the form that messages show: on one line, and short whatever it is. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value);
  }
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

/** The candidate nearest to `name`, if at most a third of its letters differ; letter case does not count. */
function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.ceil(name.length / 3) + 1;
  if (name.length > SHOWN_MAX) return undefined;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The Levenshtein distance, computed one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const substituted = row[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
