// What the benchmark prints: what was measured, a table a scenario, and whether paceline meets its targets.

import { arch, availableParallelism, cpus, loadavg, release } from 'node:os';
import { runCommand } from './children.js';
import type { Figures } from './client.js';
import type { BenchOptions } from './options.js';
import type { Column, Scenario } from './scenarios.js';
import { findNginx, onPath } from './targets.js';

/** All rounds of one target in one scenario. */
export interface Result {
  readonly target: string;
  readonly kind: string;
  readonly rounds: Figures[];
  /** Why the target was given up. */
  failure?: string;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly results: readonly Result[];
}

/** Of the project's issue: paceline against node:cluster with two processes, in `hello`. */
const LEAST_REQUESTS_RATIO = 1.7;
const MOST_CPU_RATIO = 0.6;
const REFERENCE = 'cluster-2';

const VERSION_LIMIT_MS = 5000;

/** The versions of everything that takes part, and the machine. */
export async function versions(options: BenchOptions): Promise<Record<string, string>> {
  const firstLine = async (command: string | undefined, flag: string) =>
    command
      ? ((await runCommand(command, [flag], VERSION_LIMIT_MS)).split('\n')[0] ?? '').trim()
      : 'not found';
  return {
    date: new Date().toISOString(),
    node: process.version,
    wrk: (await firstLine(onPath('wrk'), '-v')).replace(/ Copyright.*/, ''),
    nginx: (await firstLine(findNginx(), '-v')).replace('nginx version: ', ''),
    bun: await firstLine(options.bun ?? onPath('bun'), '--version'),
    kernel: `Linux ${release()} ${arch()}`,
    cpu: `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}`,
    load: `${loadavg()[0]!.toFixed(2)} over the last minute, at the start`,
  };
}

/** A table of one scenario: medians, the range over the rounds, and the ratio to the first cluster target. */
export function table(scenario: Scenario, { results }: ScenarioResult, options: BenchOptions): string {
  const reference = results.find(({ kind, rounds }) => kind === 'cluster' && rounds.length > 0);
  const rows = [['', ...scenario.columns.map(({ title }) => title)]];
  for (const result of results) {
    if (result.rounds.length === 0) continue;
    rows.push([result.target, ...scenario.columns.map((column) => cell(column, result, reference))]);
  }
  const widths = rows[0]!.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  const lines = rows.map((row) =>
    row
      .map((text, index) => text.padEnd(widths[index]!))
      .join('   ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('   '));
  lines.unshift(`${scenario.name}: ${scenario.title(options)}`);
  for (const { target, rounds, failure } of results) {
    const errors = rounds.reduce((sum, figures) => sum + (figures.errors ?? 0), 0);
    if (errors > 0) lines.push(`  ${target}: ${errors} errors; its figures are not comparable`);
    if (failure) lines.push(`  ${target}: given up: ${failure}`);
  }
  return `${lines.join('\n')}\n`;
}

function cell({ key, digits }: Column, result: Result, reference: Result | undefined): string {
  const values = result.rounds.map((figures) => figures[key]!);
  const middle = median(values);
  const range = `${Math.min(...values).toFixed(digits)}..${Math.max(...values).toFixed(digits)}`;
  const base = reference && median(reference.rounds.map((figures) => figures[key]!));
  const ratio = base ? ` ${(middle / base).toFixed(2)}x` : '';
  return `${middle.toFixed(digits)} (${range})${ratio}`;
}

/** Whether paceline meets its targets in `hello`, a line each; `met` is false where that could not be measured. */
export function verdict(results: readonly ScenarioResult[]): { met: boolean; lines: string[] } {
  const hello = results.find(({ scenario }) => scenario === 'hello')?.results ?? [];
  const paceline = hello.find(({ kind, rounds }) => kind === 'paceline' && rounds.length > 0);
  const reference = hello.find(({ target, rounds }) => target === REFERENCE && rounds.length > 0);
  if (!paceline || !reference) {
    return { met: false, lines: [`not measured: the targets need hello with paceline and ${REFERENCE}`] };
  }
  const ratio = (key: string) =>
    median(paceline.rounds.map((figures) => figures[key]!)) /
    median(reference.rounds.map((figures) => figures[key]!));
  const requests = ratio('requestsPerSecond');
  const cpu = ratio('cpuUsPerRequest');
  const requestsMet = requests >= LEAST_REQUESTS_RATIO;
  const cpuMet = cpu <= MOST_CPU_RATIO;
  const errors = [paceline, reference].some(({ rounds }) =>
    rounds.some((figures) => (figures.errors ?? 0) > 0),
  );
  const lines = [
    `${word(requestsMet)}: ${paceline.target} serves ${requests.toFixed(2)}x the requests/s of ${REFERENCE} (target: at least ${LEAST_REQUESTS_RATIO}x)`,
    `${word(cpuMet)}: ${paceline.target} uses ${(cpu * 100).toFixed(0)} % of the CPU a request of ${REFERENCE} (target: at most ${MOST_CPU_RATIO * 100} %)`,
  ];
  if (errors) lines.push('missed: there were errors');
  return { met: requestsMet && cpuMet && !errors, lines };
}

function word(met: boolean): string {
  return met ? 'met' : 'missed';
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
