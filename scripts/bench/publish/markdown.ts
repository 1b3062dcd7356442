// The results of a run as docs/BENCHMARKS.md shows them: what was measured with what, where Paceline stands, and each scenario's plot and
// table.

import { median, type ScenarioResult } from '../report.js';
import type { Run } from '../run.js';
import type { Column, Phase, Result, Scenario } from '../scenario.js';
import { comparisons } from './comparison.js';

/** Of scenarios that no suite has. */
const NOT_SHOWN: readonly string[] = ['slowhttptest'];

/** @param plots the folder of the plots, as seen from the page */
export function resultsPage(run: Run, scenarios: readonly Scenario[], plots: string): string {
  const sections = run.results.flatMap((result) => {
    const scenario = scenarios.find(({ name }) => name === result.scenario);
    return scenario ? [section(scenario, result, run, plots)] : [];
  });
  const all = `Every round is in [results.json](${plots}/results.json).`;
  return [machine(run), all, standing(run, scenarios), ...sections].join('\n\n');
}

function machine({ command, versions }: Run): string {
  const known = Object.entries(versions).filter(
    ([name, value]) => !NOT_SHOWN.includes(name) && value !== 'not found',
  );
  return [
    ...grid(
      ['', ''],
      known.map(([name, value]) => [name, value]),
    ),
    '',
    '```sh',
    command,
    '```',
  ].join('\n');
}

/** Paceline's default against the best of its other strategies, and against the best of the others that run JavaScript. */
function standing(run: Run, scenarios: readonly Scenario[]): string {
  const rows = comparisons(run, scenarios).map(({ scenario, figure, ours, strategy, other }) => [
    scenario,
    figure,
    ours,
    strategy,
    other,
  ]);
  return [
    '### Where Paceline stands',
    '',
    'Medians. A ratio above 1.00 is worse than the other, whichever way the figure counts; above 1.05 it is in bold.',
    '',
    ...grid(['scenario', 'figure', 'paceline', 'best other strategy', 'best other server'], rows),
  ].join('\n');
}

function section(scenario: Scenario, { results }: ScenarioResult, run: Run, plots: string): string {
  const phases = scenario.phases?.(run.settings) ?? [undefined];
  const measured = results.filter(({ rounds }) => rounds.length > 0);
  const rows = phases.flatMap((phase) => measured.map((result) => rowOf(scenario.columns, result, phase)));
  const failed = results.filter(({ failure }) => failure !== undefined);
  const wrong = measured.filter(({ rounds }) => rounds.some(({ errors }) => (errors ?? 0) > 0));
  return [
    `### ${scenario.name}`,
    '',
    `${scenario.title(run.settings)}.`,
    '',
    `![${scenario.name}: the figures of the table below, as a plot](${plots}/${scenario.name}.svg)`,
    '',
    '<details><summary>All figures: medians (min to max)</summary>',
    '',
    ...grid(['server', ...scenario.columns.map(({ title }) => title)], rows),
    '',
    '</details>',
    ...wrong.map(({ target }) => `\n${target} had errors; its figures do not compare.`),
    ...failed.map(({ target, failure }) => `\n${target} was given up: ${firstLine(failure!)}`),
  ].join('\n');
}

function rowOf(columns: readonly Column[], result: Result, phase: Phase | undefined): string[] {
  const name = phase === undefined ? result.target : `${result.target}, ${phase.title}`;
  return [name, ...columns.map((column) => cell(column, result, phase))];
}

function cell({ key, digits }: Column, { rounds }: Result, phase: Phase | undefined): string {
  const name = phase === undefined ? key : `${phase.key}.${key}`;
  const values = rounds.map((figures) => figures[name]).filter((value) => value !== undefined);
  if (values.length === 0) return '–';
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const text = median(values).toFixed(digits);
  const range = `${low.toFixed(digits)} to ${high.toFixed(digits)}`;
  return low === high ? text : `${text} (${range})`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
