// What the panels of a plot have in common: a row for each target, in the order of the table, and an axis below a title.

import type { Result } from '../scenario.js';
import type { Scale } from './scale.js';
import { type Element, element } from './svg.js';

export const ROW_HEIGHT = 22;
/** From the top of a panel to the first row. */
export const PANEL_HEAD = 40;

export interface Panel {
  readonly title: string;
  /** Its contents at the origin, for a width. */
  draw(results: readonly Result[], width: number): Element[];
}

/** The middle of a row. */
export function rowAt(index: number): number {
  return PANEL_HEAD + (index + 0.5) * ROW_HEIGHT;
}

/** The title, and a line with its value for each tick. */
export function axis(
  title: string,
  scale: Scale,
  rows: number,
  format: (value: number) => string,
): Element[] {
  const bottom = PANEL_HEAD + rows * ROW_HEIGHT;
  const lines = scale.ticks.flatMap((tick) => {
    const x = scale.at(tick);
    return [
      element('line', { class: 'grid', x1: x, x2: x, y1: PANEL_HEAD - 4, y2: bottom }),
      element('text', { class: 'small', x, y: PANEL_HEAD - 8, 'text-anchor': 'middle' }, format(tick)),
    ];
  });
  return [element('text', { class: 'panel', x: 0, y: 14 }, title), ...lines];
}

/** A number with three digits at most that count, and thousands apart. */
export function short(value: number): string {
  if (value === 0) return '0';
  const digits = Math.min(Math.max(2 - Math.floor(Math.log10(Math.abs(value))), 0), 2);
  return grouped(value.toFixed(digits));
}

/** A tick without digits that say nothing. */
export function round(value: number): string {
  return grouped(`${Number(value.toPrecision(6))}`);
}

function grouped(text: string): string {
  return Number(text) >= 10_000 ? text.replace(/\B(?=(\d{3})+$)/g, ',') : text;
}

/** The values of a figure over the rounds, as far as they have it. */
export function valuesOf(key: string, { rounds }: Result): number[] {
  return rounds.map((figures) => figures[key]).filter((value) => value !== undefined);
}
