// Paceline's default strategy against the best of the others, by the figures that a scenario's plot shows.

import { STRATEGIES } from '../../../lib/strategies/descriptions.js';
import { DEFAULT_BARS } from '../plots/figure.js';
import { short } from '../plots/panel.js';
import { median, type ScenarioResult } from '../report.js';
import type { Run } from '../run.js';
import type { Phase, Result, Scenario } from '../scenario.js';
import { type Kind, RUNTIMES } from '../targets.js';

/** Cells of the table. */
export interface Comparison {
  readonly scenario: string;
  readonly figure: string;
  readonly ours: string;
  readonly strategy: string;
  readonly other: string;
}

/** Of all other figures, less is better. */
const MORE_IS_BETTER: readonly string[] = ['requestsPerSecond', 'throughputRatio'];
/** Of a scenario with phases, in its last one. */
const OF_PHASES = 'p99Ms';
const REMARKABLE = 1.05;
/** nginx and the floor run no JavaScript: what they take is no mark for a server that does. */
const RIVALS: readonly string[] = [...RUNTIMES, 'piscina'] satisfies Kind[];

/** One for each figure of each scenario in which Paceline was measured. */
export function comparisons(run: Run, scenarios: readonly Scenario[]): Comparison[] {
  return run.results.flatMap((result) => {
    const scenario = scenarios.find(({ name }) => name === result.scenario);
    return scenario ? figuresOf(scenario, run).flatMap((figure) => compare(scenario, result, figure)) : [];
  });
}

interface Figure {
  /** Of its column. */
  readonly name: string;
  /** As it stands in the rounds. */
  readonly key: string;
  readonly phase: Phase | undefined;
}

function figuresOf(scenario: Scenario, { settings }: Run): Figure[] {
  const names = (scenario.bars ?? DEFAULT_BARS).filter((name) =>
    scenario.columns.some(({ key }) => key === name),
  );
  const phase = scenario.phases?.(settings).at(-1);
  if (phase === undefined) return names.map((name) => ({ name, key: name, phase }));
  return [OF_PHASES, ...names].map((name) => ({ name, key: `${phase.key}.${name}`, phase }));
}

function compare(
  scenario: Scenario,
  { results }: ScenarioResult,
  { name, key, phase }: Figure,
): Comparison[] {
  const ours = results.find(({ kind }) => kind === 'paceline');
  const value = ours && medianOf(key, ours);
  if (value === undefined) return [];
  const [strategies, rivals] = [
    STRATEGIES as readonly string[],
    RIVALS.filter((kind) => kind !== 'paceline'),
  ];
  const against = (kinds: readonly string[]) => {
    const best = bestOf(
      results.filter(({ kind }) => kinds.includes(kind)),
      key,
      name,
    );
    return best ? ratioOf(value, best, name) : '–';
  };
  const title = scenario.columns.find((column) => column.key === name)!.title;
  return [
    {
      scenario: scenario.name,
      figure: phase === undefined ? title : `${title}, ${phase.title}`,
      ours: short(value),
      strategy: against(strategies),
      other: against(rivals),
    },
  ];
}

interface Best {
  readonly target: string;
  readonly value: number;
}

function bestOf(results: readonly Result[], key: string, name: string): Best | undefined {
  const sign = MORE_IS_BETTER.includes(name) ? -1 : 1;
  return results
    .flatMap((result) => {
      const value = medianOf(key, result);
      return value === undefined ? [] : [{ target: result.target, value }];
    })
    .sort((a, b) => sign * (a.value - b.value))[0];
}

/** How many times worse than the best, which follows with its name. */
function ratioOf(ours: number, { target, value }: Best, name: string): string {
  const ratio = MORE_IS_BETTER.includes(name) ? value / ours : ours / value;
  const text = Number.isFinite(ratio) ? ratio.toFixed(2) : '–';
  return `${ratio > REMARKABLE ? `**${text}**` : text} (${target}: ${short(value)})`;
}

function medianOf(key: string, { rounds }: Result): number | undefined {
  const values = rounds.map((figures) => figures[key]).filter((value) => value !== undefined);
  return values.length > 0 ? median(values) : undefined;
}
