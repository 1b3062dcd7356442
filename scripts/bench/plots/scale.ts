// Scales: from a value to its place on an axis, and the values that the axis names.

export interface Scale {
  /** The place of a value, from 0 to the length of the axis. */
  at(value: number): number;
  /** The values that are named, ascending. */
  readonly ticks: readonly number[];
}

const MAX_TICKS = 4;
const STEPS = [1, 2, 2.5, 5, 10];

/** From 0 to at least `max`. */
export function linear(max: number, length: number): Scale {
  const top = max > 0 ? max : 1;
  const magnitude = 10 ** Math.floor(Math.log10(top / MAX_TICKS));
  const step = STEPS.map((factor) => factor * magnitude).find((size) => top / size <= MAX_TICKS)!;
  const ticks = Array.from({ length: Math.floor(top / step) + 1 }, (_, index) => index * step);
  return { at: (value) => (Math.min(Math.max(value, 0), top) / top) * length, ticks };
}

/** Of powers of ten, from at most `min` to at least `max`; a value that is not positive stands at the beginning. */
export function logarithmic(min: number, max: number, length: number): Scale {
  const first = Math.floor(Math.log10(min));
  const last = Math.max(Math.ceil(Math.log10(max)), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  const share = (value: number) => (Math.log10(value) - first) / (last - first);
  return { at: (value) => (value > 0 ? Math.min(Math.max(share(value), 0), 1) : 0) * length, ticks };
}
