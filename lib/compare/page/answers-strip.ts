/** The strip of answers below a model's lanes: a dot for each, at the time when its request was due, the higher the longer it took. */
import { make } from '../../dashboard/page/dom.js';
import { palette, STATE_COLOURS } from '../../dashboard/page/palette.js';
import { pixelOf, type Scale } from '../../dashboard/page/scale.js';
import { PROCESSING } from '../../dashboard/page/states.js';
import type { AnswerTuple } from '../load-messages.js';
import type { Mix } from '../mixes.js';
import { type Dot, dotOf } from './dots.js';

/** How long answers are kept, as the frames of the lanes are, and how many. */
const KEEP_MS = 180_000;
const MAX_KEPT = 60_000;
/** The scale from the bottom to the top, in milliseconds. */
const MIN_MS = 0.1;
const MAX_MS = 1000;
const LINES_MS = [1, 10, 100];
/** In CSS pixels. */
const RADIUS = 1.9;
const EDGE = 5;

export class AnswersStrip {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #answers: { readonly tuple: AnswerTuple; readonly dot: Dot }[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d')!;
  }

  add(answers: readonly AnswerTuple[], mix: Mix): void {
    for (const tuple of answers) this.#answers.push({ tuple, dot: dotOf(tuple, mix) });
    const oldest = (this.#answers.at(-1)?.tuple[0] ?? 0) - KEEP_MS;
    const first = this.#answers.findIndex(({ tuple: [dueAt] }) => dueAt >= oldest);
    this.#answers.splice(0, Math.max(first, this.#answers.length - MAX_KEPT));
  }

  /** Draws the answers to requests that were due before the time `right`, on the lanes' scale. */
  draw(right: number, scale: Scale, width: number): void {
    const context = this.#context;
    const height = Math.round(this.#canvas.clientHeight * scale.density);
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    context.clearRect(0, 0, width, height);
    this.#lines(scale, height);
    const first = pixelOf(right, scale) - scale.view;
    const from = right - scale.view * scale.msPerPixel;
    // What came before was due before as well.
    for (let index = this.#firstSince(from); index < this.#answers.length; index++) {
      const { tuple, dot } = this.#answers[index]!;
      if (tuple[0] < from || tuple[0] > right) continue;
      drawDot(
        context,
        dot,
        pixelOf(tuple[0], scale) - first,
        yOf(tuple[1], height, scale.density),
        scale.density,
      );
    }
  }

  /** The index of the first answer that came at a time or later: they are kept in the order in which they came. */
  #firstSince(at: number): number {
    let low = 0;
    let high = this.#answers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const [dueAt, latencyMs] = this.#answers[middle]!.tuple;
      if (dueAt + latencyMs < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #lines({ density, view }: Scale, height: number): void {
    const context = this.#context;
    const { line, soft } = palette();
    context.font = `${10 * density}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    for (const ms of LINES_MS) {
      const y = Math.round(yOf(ms, height, density));
      context.fillStyle = line;
      context.fillRect(0, y, view, Math.max(1, Math.round(density)));
      context.fillStyle = soft;
      context.fillText(`${ms} ms`, view + 6 * density, y);
    }
  }
}

/** The sign of a kind of dot, for the legend. */
export function signOf(dot: Dot): HTMLCanvasElement {
  const density = window.devicePixelRatio || 1;
  const sign = make('canvas', 'sign-of-dot');
  sign.width = sign.height = Math.round(12 * density);
  sign.setAttribute('aria-hidden', 'true');
  drawDot(sign.getContext('2d')!, dot, sign.width / 2, sign.width / 2, density * 1.6);
  return sign;
}

function yOf(ms: number, height: number, density: number): number {
  const share = Math.log(Math.min(MAX_MS, Math.max(MIN_MS, ms)) / MIN_MS) / Math.log(MAX_MS / MIN_MS);
  return height - EDGE * density - share * (height - 2 * EDGE * density);
}

/** Each kind has a shape of its own, because not everyone can distinguish them by colour. */
function drawDot(context: CanvasRenderingContext2D, dot: Dot, x: number, y: number, density: number): void {
  const radius = RADIUS * density;
  context.beginPath();
  switch (dot) {
    case 'holds':
      context.fillStyle = STATE_COLOURS[PROCESSING]!;
      context.rect(x - radius * 1.3, y - radius * 1.3, radius * 2.6, radius * 2.6);
      break;
    case 'behind':
      context.fillStyle = palette().bad;
      context.moveTo(x, y - radius * 1.9);
      context.lineTo(x + radius * 1.7, y + radius * 1.3);
      context.lineTo(x - radius * 1.7, y + radius * 1.3);
      break;
    case 'other':
      context.strokeStyle = palette().curves[3];
      context.lineWidth = density * 1.2;
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
      return;
    case 'fast':
      context.fillStyle = palette().accent;
      context.arc(x, y, radius, 0, 2 * Math.PI);
      break;
  }
  context.fill();
}
