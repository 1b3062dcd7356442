/** Seeded pseudo-random choices, which are the same on every machine. */

/** Returns a whole number from 0 up to, but not including, the argument. */
export type Random = (below: number) => number;

/** Mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One of the choices. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[random(choices.length)]!;
}
