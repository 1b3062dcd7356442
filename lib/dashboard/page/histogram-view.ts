/** One histogram as a drawing, with a summary in words below. */
import type { HistogramBar } from '../protocol.js';
import { make, setAttribute, setText } from './dom.js';
import { count, duration, rounded } from './format.js';
import { binned, percentileOf } from './histogram-bins.js';
import { onPaletteChange, palette } from './palette.js';

const HEIGHT = 84;
const AXIS = 16;

export class HistogramView {
  readonly element: HTMLElement;
  readonly #canvas = make('canvas');
  readonly #words = make('p', 'numbers');
  #title: string;
  #bars: readonly HistogramBar[] = [];

  constructor(title: string) {
    this.#title = title;
    this.#canvas.setAttribute('role', 'img');
    this.element = make('figure', 'histogram', make('figcaption', '', title), this.#canvas, this.#words);
    onPaletteChange(() => this.#draw());
  }

  set title(title: string) {
    this.#title = title;
    setText(this.element.firstElementChild!, title);
  }

  show(bars: readonly HistogramBar[]): void {
    this.#bars = bars;
    const total = bars.reduce((sum, [, number]) => sum + number, 0);
    const words =
      total === 0
        ? 'nothing yet'
        : `p50 ${duration(percentileOf(bars, 0.5))} · p99 ${duration(percentileOf(bars, 0.99))} · longest ${duration(bars.at(-1)![0])} · ${count(total)} counted`;
    this.#canvas.hidden = total === 0;
    setText(this.#words, words);
    setAttribute(this.#canvas, 'aria-label', `${this.#title}: ${words}`);
    this.#draw();
  }

  #draw(): void {
    const density = window.devicePixelRatio || 1;
    const width = this.#canvas.clientWidth;
    if (width === 0) return;
    this.#canvas.style.height = `${HEIGHT}px`;
    this.#canvas.width = Math.round(width * density);
    this.#canvas.height = Math.round(HEIGHT * density);
    const context = this.#canvas.getContext('2d')!;
    context.scale(density, density);
    const { accent, soft, line } = palette();
    const floor = HEIGHT - AXIS;
    context.fillStyle = line;
    context.fillRect(0, floor, width, 1);
    const { bounds, counts } = binned(this.#bars);
    if (counts.length === 0) return;
    const max = Math.max(...counts);
    const wide = width / counts.length;
    context.fillStyle = accent;
    counts.forEach((number, index) => {
      if (number === 0) return;
      // A single long value among millions is worth seeing, so every bar is at least two pixels high.
      const tall = Math.max(2, (number / max) * (floor - 4));
      context.fillRect(index * wide + 0.5, floor - tall, Math.max(1, wide - 1), tall);
    });
    context.fillStyle = soft;
    context.font = '10px system-ui, sans-serif';
    context.textBaseline = 'bottom';
    bounds.forEach((bound, index) => {
      const decade = Math.abs(Math.log10(bound) - Math.round(Math.log10(bound))) < 1e-6;
      if (!decade) return;
      context.textAlign = index === 0 ? 'left' : index === bounds.length - 1 ? 'right' : 'center';
      context.fillText(rounded(duration(bound)), index * wide, HEIGHT);
    });
  }
}
