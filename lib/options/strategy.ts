/** The `strategy` option: which concurrency model a server runs. */
import type { OptionKind } from './option-kinds.js';
import { optionError, show } from './validate.js';

/** The models that this version can run. */
export type StrategyName = 'leader-followers';

/** The only model so far. */
export const STRATEGY_DEFAULT: StrategyName = 'leader-followers';

const STRATEGIES: readonly StrategyName[] = ['leader-followers'];
/** Planned models: a user who has read of one gets a better answer than "unknown". */
const STRATEGIES_LATER = ['reactor', 'half-sync-half-reactive', 'half-sync-half-async', 'simulated-proactor'];

/**
 * Checks the `strategy` option. `name` is the option as the user spelled it, for the message.
 *
 * @throws PacelineError `PACELINE_OPTION`
 */
export function resolveStrategy(value: unknown, name = 'strategy'): StrategyName {
  if (value === undefined) return STRATEGY_DEFAULT;
  const known = STRATEGIES.find((strategy) => strategy === value);
  if (known !== undefined) return known;
  const valid = STRATEGIES.join(', ');
  if (typeof value === 'string' && STRATEGIES_LATER.includes(value)) {
    throw optionError(`${name} ${value} is not available in this version; available: ${valid}`);
  }
  throw optionError(`${name} must be one of: ${valid}; not ${show(value)}`);
}

export function strategies(): OptionKind<StrategyName> {
  return { check: resolveStrategy, schema: { enum: STRATEGIES } };
}
