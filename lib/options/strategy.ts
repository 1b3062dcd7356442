/** The `strategy` option: which concurrency model a server runs, and how many threads that has. */
import { DESCRIPTIONS, STRATEGIES, type StrategyName } from '../strategies/descriptions.js';
import type { OptionKind } from './option-kinds.js';
import { resolveThreads, type ThreadRange } from './thread-range.js';
import { optionError, show } from './validate.js';

export type { StrategyName } from '../strategies/descriptions.js';

export const STRATEGY_DEFAULT: StrategyName = 'leader-followers';

/**
 * Checks the `strategy` option. `name` is the option as the user spelled it, for the message.
 *
 * @throws PacelineError `PACELINE_OPTION`
 */
export function resolveStrategy(value: unknown, name = 'strategy'): StrategyName {
  if (value === undefined) return STRATEGY_DEFAULT;
  const known = STRATEGIES.find((strategy) => strategy === value);
  if (known !== undefined) return known;
  throw optionError(`${name} must be one of: ${STRATEGIES.join(', ')}; not ${show(value)}`);
}

export function strategies(): OptionKind<StrategyName> {
  return { check: resolveStrategy, schema: { enum: STRATEGIES } };
}

/**
 * How many threads a set of that model has, by the `threads` option. The default is one more where a thread runs no handlers.
 *
 * @param groups how many such sets there are
 * @throws PacelineError `PACELINE_OPTION` for fewer threads than the model needs
 */
export function threadsOf(strategy: StrategyName, value: unknown, groups = 1): ThreadRange {
  const { minThreads, maxThreads, ioThreads } = DESCRIPTIONS[strategy];
  const { min, max } = resolveThreads(value, 'threads', groups);
  if (max < minThreads) {
    throw optionError(
      `strategy ${strategy} needs ${minThreads} threads at least, as the first one runs no handlers; threads is ${max}`,
    );
  }
  const more = value === undefined ? ioThreads : 0;
  return { min: Math.min(min + more, maxThreads), max: Math.min(max + more, maxThreads) };
}

/** A line for the log, where a server runs fewer threads than it was asked for; null where it does not. */
export function threadsRemark(strategy: StrategyName, asked: unknown, { max }: ThreadRange): string | null {
  if (asked === undefined || resolveThreads(asked).max === max) return null;
  return `strategy ${strategy} has one thread; that threads is ${resolveThreads(asked).max} has no effect`;
}
