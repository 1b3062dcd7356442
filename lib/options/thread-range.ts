/** The `threads` option: how many threads a server runs. */
import { availableParallelism } from 'node:os';
import { MAX_THREADS } from '../memory/layout.js';
import type { OptionKind } from './option-kinds.js';
import { isWholeNumber, optionError, refuseUnknownNames, show } from './validate.js';

/** How many threads to run. Both are whole numbers from 1 to 128. */
export interface ThreadRange {
  readonly min: number;
  readonly max: number;
}

/** The minimum of the default. With fewer threads, a few blocking handlers would occupy all of them. */
export const THREADS_DEFAULT_MIN = 4;
/**
 * The default for each core: what waits gathers on one thread for each core (set/engagement.ts), and the others stand ready to block. A
 * thread that has served requests takes some 20 MB.
 */
export const THREADS_PER_CORE = 1.5;

/** The default number of threads, for so many cores. @param groups among which the cores are divided */
export const defaultThreads = (cores = availableParallelism(), groups = 1): number =>
  Math.min(
    // One less for a model whose default has one more.
    groups === 1 ? MAX_THREADS : Math.floor(MAX_THREADS / groups) - 1,
    Math.max(THREADS_DEFAULT_MIN, Math.ceil((cores / groups) * THREADS_PER_CORE)),
  );

/**
 * Checks the `threads` option. `name` is the option as the user spelled it, for the message.
 *
 * @param groups of so many threads each
 * @throws PacelineError `PACELINE_OPTION`
 */
export function resolveThreads(value: unknown, name = 'threads', groups = 1): ThreadRange {
  if (value === undefined) {
    const count = defaultThreads(undefined, groups);
    return { min: count, max: count };
  }
  const range = threadRange(value, name);
  if (range === undefined) {
    throw optionError(
      `${name} must be a whole number from 1 to ${MAX_THREADS}, or MIN:MAX of two, not ${show(value)}`,
    );
  }
  if (range.min > range.max) {
    throw optionError(
      `${name} must have its smaller number first, so ${range.max}:${range.min}, not ${range.min}:${range.max}`,
    );
  }
  return range;
}

/** Matches a number from 1 to 128, of up to three digits. */
const COUNT_DIGITS = String.raw`(?:0{0,2}[1-9]|0?[1-9]\d|1[01]\d|12[0-8])`;

/** The kind of `threads`. A JSON schema cannot compare MIN with MAX, so this one does not. */
export function threadRanges(): OptionKind<ThreadRange> {
  const counts = { type: 'integer', minimum: 1, maximum: MAX_THREADS };
  return {
    check: (value, name) => resolveThreads(value, name),
    range: `1 to ${MAX_THREADS}`,
    schema: {
      anyOf: [
        counts,
        { type: 'string', pattern: `^${COUNT_DIGITS}(?::${COUNT_DIGITS})?$` },
        {
          type: 'object',
          properties: { min: counts, max: counts },
          required: ['min', 'max'],
          additionalProperties: false,
        },
      ],
    },
  };
}

/** The range that `value` stands for; undefined for any other value. */
function threadRange(value: unknown, name: string): ThreadRange | undefined {
  let min: unknown = value;
  let max: unknown = value;
  if (typeof value === 'string') {
    const match = /^(\d{1,3})(?::(\d{1,3}))?$/.exec(value);
    min = Number(match?.[1] ?? Number.NaN);
    max = Number(match?.[2] ?? min);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    refuseUnknownNames(Object.keys(value), ['min', 'max'], `member of ${name}`);
    ({ min, max } = value as Partial<ThreadRange>);
  }
  return isWholeNumber(min, 1, MAX_THREADS) && isWholeNumber(max, 1, MAX_THREADS) ? { min, max } : undefined;
}
