// What the benchmark prints: a table for each scenario.

import type { Column, Result, Scenario, Settings } from './scenario.js';

export interface ScenarioResult {
  readonly scenario: string;
  readonly results: readonly Result[];
}

/** A table of one scenario, a row for each target and phase: medians, the range over the rounds, and the ratio to the first cluster target, or to nginx. */
export function table(scenario: Scenario, { results }: ScenarioResult, settings: Settings): string {
  const measured = (wanted: string) =>
    results.find(({ kind, rounds }) => kind === wanted && rounds.length > 0);
  const reference = measured('cluster') ?? measured('nginx');
  const rows = [['', ...scenario.columns.map(({ title }) => title)]];
  for (const result of results) {
    if (result.rounds.length === 0) continue;
    for (const phase of scenario.phases?.(settings) ?? [undefined]) {
      const name = phase ? `${result.target}, ${phase.title}` : result.target;
      const cells = scenario.columns.map((column) => {
        const key = phase ? `${phase.key}.${column.key}` : column.key;
        return cell({ ...column, key }, result, reference);
      });
      rows.push([name, ...cells]);
    }
  }
  const widths = rows[0]!.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  const lines = rows.map((row) =>
    row
      .map((text, index) => text.padEnd(widths[index]!))
      .join('   ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('   '));
  lines.unshift(`${scenario.name}: ${scenario.title(settings)}`);
  for (const result of results) {
    const { target, rounds, failure } = result;
    const errors = rounds.reduce((sum, figures) => sum + (figures.errors ?? 0), 0);
    if (errors > 0) lines.push(`  ${target}: ${errors} errors; its figures are not comparable`);
    if (failure) lines.push(`  ${target}: given up: ${failure}`);
    if (rounds.length > 0)
      lines.push(...(scenario.remarks?.(result, settings) ?? []).map((line) => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;
}

function cell({ key, digits }: Column, result: Result, reference: Result | undefined): string {
  const values = figuresOf(key, result);
  // What a target does not have, as a handler's cost where it runs none.
  if (values.length === 0) return '-';
  const middle = median(values);
  const range = `${Math.min(...values).toFixed(digits)}..${Math.max(...values).toFixed(digits)}`;
  const references = reference ? figuresOf(key, reference) : [];
  const base = references.length > 0 ? median(references) : 0;
  const ratio = base ? ` ${(middle / base).toFixed(2)}x` : '';
  return `${middle.toFixed(digits)} (${range})${ratio}`;
}

function figuresOf(key: string, { rounds }: Result): number[] {
  return rounds.map((figures) => figures[key]).filter((value) => value !== undefined);
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
