/** Parses and validates what a page sends. */
import type { Mix } from './mixes.js';
import { type LoadState, RATE_MAX, RATE_MIN } from './protocol.js';

/** The change of the load that a message asks for; null if it is invalid. */
export function loadChange(text: string, mixes: readonly Mix[]): Partial<LoadState> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { type, ...change } = value as Record<string, unknown>;
  const isValid = Object.entries(change).every(([name, one]) => isOption(name, one, mixes));
  return type === 'load' && isValid ? change : null;
}

function isOption(name: string, value: unknown, mixes: readonly Mix[]): boolean {
  switch (name) {
    case 'mix':
      return mixes.some((mix) => mix.name === value);
    case 'rate':
      return Number.isInteger(value) && Number(value) >= RATE_MIN && Number(value) <= RATE_MAX;
    case 'turns':
    case 'running':
      return typeof value === 'boolean';
    default:
      return false;
  }
}
