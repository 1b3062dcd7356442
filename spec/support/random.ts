/** Chance that is the same on every machine. */

/** A whole number from 0, below the argument. */
export type Random = (below: number) => number;

/** Mulberry32: small and seeded. */
export function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One of them. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[random(choices.length)]!;
}
