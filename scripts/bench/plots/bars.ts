// A panel of bars: each ends at the median of the rounds, and a line reaches from the lowest to the highest one.

import { STRATEGIES } from '../../../lib/strategies/descriptions.js';
import { median } from '../report.js';
import type { Column, Result } from '../scenario.js';
import { axis, type Panel, round, rowAt, short, valuesOf } from './panel.js';
import { linear, type Scale } from './scale.js';
import { type Element, element } from './svg.js';
import { rowClass } from './theme.js';

const BAR_HEIGHT = 12;
/** For the value beside the longest bar. */
const LABEL_WIDTH = 52;
const GAP = 5;

/** The bars of a figure. */
export function bars({ key, title }: Pick<Column, 'key' | 'title'>): Panel {
  return { title, draw: (results, width) => draw(key, title, results, width - LABEL_WIDTH) };
}

function draw(key: string, title: string, results: readonly Result[], length: number): Element[] {
  const max = Math.max(...results.flatMap((result) => valuesOf(key, result)), 0);
  const scale = linear(max, length);
  return [
    ...axis(title, scale, results.length, round),
    ...results.flatMap((result, index) => bar(key, result, rowAt(index), scale)),
  ];
}

function bar(key: string, result: Result, y: number, scale: Scale): Element[] {
  const values = valuesOf(key, result);
  if (values.length === 0) return [element('text', { class: 'soft', x: GAP, y: y + 4 }, '–')];
  const middle = median(values);
  const [low, high] = [scale.at(Math.min(...values)), scale.at(Math.max(...values))];
  const end = scale.at(middle);
  const fill = rowClass(result.kind, STRATEGIES);
  return [
    element('rect', { class: fill, x: 0, y: y - BAR_HEIGHT / 2, width: end, height: BAR_HEIGHT }),
    element('line', { class: 'spread', x1: low, x2: high, y1: y, y2: y }),
    element('text', { x: Math.max(end, high) + GAP, y: y + 4 }, short(middle)),
  ];
}
