// The look of the plots: light, or dark where the reader's system is. The colours are those of the dashboard.

export const STYLE = `
svg { --ground: #fbfaf7; --ink: #22261f; --soft: #5f665a; --line: #e2e0d6; --ours: #1d6b4f; --kin: #8fbfa9; --other: #b9beb1; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #14171a; --ink: #e6e8e3; --soft: #9ca59b; --line: #2d3439; --ours: #62c79b; --kin: #35705a; --other: #4a545a; }
}
.ground { fill: var(--ground); }
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; }
.heading { font-size: 17px; font-weight: 650; }
.panel { font-weight: 600; }
.soft { fill: var(--soft); }
.small { font-size: 10.5px; fill: var(--soft); }
.grid { stroke: var(--line); }
.ours { fill: var(--ours); }
.kin { fill: var(--kin); }
.other { fill: var(--other); }
.spread { stroke: var(--ink); stroke-width: 1.5; }
.reach { stroke: var(--soft); }
.mark { fill: var(--ground); stroke: var(--ink); stroke-width: 1.5; }
text.ours { font-weight: 650; }
text.kin, text.other { fill: var(--ink); }
`;

/** The class of a target's row: Paceline as it comes, its other strategies, and all others. */
export function rowClass(kind: string, strategies: readonly string[]): 'ours' | 'kin' | 'other' {
  if (kind === 'paceline') return 'ours';
  return strategies.includes(kind) ? 'kin' : 'other';
}
