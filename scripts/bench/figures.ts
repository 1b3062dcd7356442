// What a measurement returns, and how its percentiles are taken.

/** Figures by name; `errors` counts lost connections and answers that were not a 200. */
export type Figures = Record<string, number>;

/** The nearest-rank percentile; `sorted` is ascending and not empty. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)]!;
}
