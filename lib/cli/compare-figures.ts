/** The figures of a comparison as text: a table for people, JSON for programs. */
import type { Mix } from '../compare/mixes.js';
import type { CompareHello, FiguresMessage } from '../compare/protocol.js';
import { marksOf, type Row, rowsOf, type Unit, warningsOf } from '../compare/rows.js';

const WRITE: Readonly<Record<Unit, (value: number) => string>> = {
  ms: (value) => `${value.toFixed(2)} ms`,
  us: (value) => `${value.toFixed(0)} us`,
  share: (value) => `${(value * 100).toFixed(1)} %`,
  rate: (value) => value.toFixed(0),
  number: (value) => value.toFixed(2),
  count: (value) => value.toFixed(0),
};

interface Line {
  readonly row: Row;
  readonly values: readonly (number | null)[];
  readonly marks: readonly boolean[];
}

function linesOf(mix: Mix, { figures, ownLate }: FiguresMessage): Line[] {
  return rowsOf(mix).map((row) => {
    const values = figures.map((one) => one && row.valueOf(one));
    return { row, values, marks: marksOf(row, values, ownLate) };
  });
}

const mixOf = ({ mixes }: CompareHello, { load }: FiguresMessage): Mix =>
  mixes.find(({ name }) => name === load.mix)!;

export function figuresAsTable(hello: CompareHello, message: FiguresMessage): string {
  const { models, app, cores, processor, node } = hello;
  const { load, overMs, busy } = message;
  const mix = mixOf(hello, message);
  const lines = linesOf(mix, message).map(({ row, values, marks }) => [
    row.title,
    ...values.map(
      (value, index) => `${value === null ? '-' : WRITE[row.unit](value)}${marks[index] ? ' *' : '  '}`,
    ),
  ]);
  const how = load.turns ? 'one after the other, a second each' : 'all at the same moments';
  return [
    `${app}: ${mix.title}. ${mix.about}`,
    `${load.rate} requests/s to each server, ${how}, for ${(overMs / 1000).toFixed(1)} s, in an open loop; latencies from when each was due.`,
    `${cores} cores (${processor}), shared by the servers and the load, ${(busy.all * 100).toFixed(0)} % busy, ${(busy.own * 100).toFixed(0)} % with this; Node.js ${node}.`,
    '',
    ...tableOf([
      ['', ...models.map(({ name }) => `${name}  `)],
      ['threads', ...models.map(({ threads }) => `${threads}  `)],
      ...lines,
    ]),
    '',
    '* the better one, where they differ by more than 5 %',
    ...warningsOf(message),
    '',
  ].join('\n');
}

/** The first column to the left, the others to the right. */
function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]! + 2)))
      .join('')
      .trimEnd(),
  );
}

export function figuresAsJson(hello: CompareHello, message: FiguresMessage): string {
  const { version, node, processor, cores, app, models } = hello;
  const { load, overMs, busy, ownLate, figures } = message;
  const lines = linesOf(mixOf(hello, message), message);
  const servers = models.map(({ name, strategy, threads }, index) => ({
    name,
    strategy,
    threads,
    asked: figures[index]?.asked ?? 0,
    answered: figures[index]?.answered ?? 0,
    figures: Object.fromEntries(lines.map(({ row, values }) => [row.key, values[index] ?? null])),
    better: lines.filter(({ marks }) => marks[index]).map(({ row }) => row.key),
  }));
  const { mix, rate, turns } = load;
  const measured = { mix, rate, turns, seconds: overMs / 1000, busy, ownLate, warnings: warningsOf(message) };
  return `${JSON.stringify({ version, node, processor, cores, app, ...measured, servers }, null, 2)}\n`;
}
