// A panel of latencies on a logarithmic axis: a mark for each percentile, the median of the rounds, with the maximum as the end of
// the line.

import { median } from '../report.js';
import type { Result } from '../scenario.js';
import { axis, type Panel, round, rowAt, short, valuesOf } from './panel.js';
import { logarithmic, type Scale } from './scale.js';
import { type Element, element } from './svg.js';

/** The percentiles that there may be, in milliseconds, and the radius of each one's mark; the rarer, the smaller. */
export const PERCENTILES = [
  { key: 'p50Ms', title: 'p50', radius: 5 },
  { key: 'p90Ms', title: 'p90', radius: 4 },
  { key: 'p99Ms', title: 'p99', radius: 3 },
  { key: 'p999Ms', title: 'p99.9', radius: 2 },
] as const;
const MAX = 'maxMs';

/** The latencies of the figures that begin with `prefix`. */
export function latencies(title: string, prefix: string): Panel {
  return { title, draw: (results, width) => draw(title, prefix, results, width) };
}

function draw(title: string, prefix: string, results: readonly Result[], length: number): Element[] {
  const keys = [...PERCENTILES.map(({ key }) => key), MAX].map((key) => prefix + key);
  const all = results.flatMap((result) => keys.flatMap((key) => valuesOf(key, result)));
  const positive = all.filter((value) => value > 0);
  const scale = logarithmic(Math.min(...positive, 1), Math.max(...positive, 1), length);
  return [
    ...axis(`latency, ${title}, ms`, scale, results.length, round),
    ...results.flatMap((result, index) => row(prefix, result, rowAt(index), scale)),
  ];
}

function row(prefix: string, result: Result, y: number, scale: Scale): Element[] {
  const figure = (key: string) => {
    const values = valuesOf(prefix + key, result);
    return values.length > 0 ? median(values) : undefined;
  };
  const marks = PERCENTILES.flatMap(({ key, title, radius }) => {
    const value = figure(key);
    if (value === undefined) return [];
    const hint = element('title', {}, `${result.target}: ${title} ${short(value)} ms`);
    return [element('circle', { class: 'mark', cx: scale.at(value), cy: y, r: radius }, hint)];
  });
  const [first, last] = [figure('p50Ms'), figure(MAX)];
  if (first === undefined || last === undefined) return marks;
  const [x1, x2] = [scale.at(first), scale.at(last)];
  return [
    element('line', { class: 'reach', x1, x2, y1: y, y2: y }),
    element('line', { class: 'spread', x1: x2, x2, y1: y - 5, y2: y + 5 }),
    ...marks,
  ];
}
