/** The legend of a model in the picture that is saved: what the page shows of it, on a canvas. */
import { make } from '../../dashboard/page/dom.js';
import { ON_STATE, palette, STATE_COLOURS } from '../../dashboard/page/palette.js';
import { FOLLOWER, stateNumber } from '../../dashboard/page/states.js';
import type { State } from '../../dashboard/protocol.js';

/** In CSS pixels. */
const SIGN = 16;
const AFTER_SIGN = 6;
const BETWEEN = 18;
const LINE = 24;
const WORDS_FONT = '12px system-ui, sans-serif';

interface Item {
  readonly sign: Element;
  readonly words: string;
  /** Its place, in CSS pixels. */
  readonly left: number;
  readonly line: number;
}

export class PictureLegend {
  readonly #items: readonly Item[];
  readonly #density: number;
  /** In pixels of the canvas. */
  readonly height: number;

  /** @param width the room for it, in pixels of the canvas */
  constructor(items: readonly HTMLElement[], width: number, density: number) {
    this.#items = placed(items, width / density);
    this.#density = density;
    this.height = ((this.#items.at(-1)?.line ?? -1) + 1) * LINE * density;
  }

  draw(context: CanvasRenderingContext2D, left: number, top: number): void {
    context.save();
    context.translate(left, top);
    context.scale(this.#density, this.#density);
    context.textBaseline = 'middle';
    for (const item of this.#items) drawItem(context, item);
    context.restore();
  }
}

/** Places the items beside each other, in as many lines as they need. */
function placed(items: readonly HTMLElement[], width: number): Item[] {
  const context = make('canvas').getContext('2d')!;
  context.font = WORDS_FONT;
  let left = 0;
  let line = 0;
  return items.map((item) => {
    const sign = item.firstElementChild!;
    const words = item.textContent!.slice(sign.textContent!.length);
    const wide = SIGN + AFTER_SIGN + context.measureText(words).width;
    if (left > 0 && left + wide > width) {
      left = 0;
      line++;
    }
    const at = left;
    left += wide + BETWEEN;
    return { sign, words, left: at, line };
  });
}

function drawItem(context: CanvasRenderingContext2D, { sign, words, left, line }: Item): void {
  const middle = (line + 0.5) * LINE;
  drawSign(context, sign, left + SIGN / 2, middle);
  context.font = WORDS_FONT;
  context.textAlign = 'left';
  context.fillStyle = palette().soft;
  context.fillText(words, left + SIGN + AFTER_SIGN, middle);
}

/** A dot is a small canvas, a state a letter on its colour, and a mark a character. */
function drawSign(context: CanvasRenderingContext2D, sign: Element, x: number, y: number): void {
  if (sign instanceof HTMLCanvasElement) {
    const { clientWidth: wide, clientHeight: high } = sign;
    context.drawImage(sign, x - wide / 2, y - high / 2, wide, high);
    return;
  }
  const state = sign instanceof HTMLElement ? sign.dataset.state : undefined;
  const { ink, soft } = palette();
  context.fillStyle = ink;
  context.beginPath();
  context.roundRect(x - SIGN / 2, y - SIGN / 2, SIGN, SIGN, SIGN / 4);
  if (state !== undefined) {
    const number = stateNumber(state as State);
    context.fillStyle = context.strokeStyle = STATE_COLOURS[number]!;
    context.lineWidth = 1.5;
    if (number === FOLLOWER) context.stroke();
    else context.fill();
    context.fillStyle = number === FOLLOWER ? ink : ON_STATE;
  } else if (sign.classList.contains('engaged')) {
    context.strokeStyle = soft;
    context.lineWidth = 1;
    context.setLineDash([3, 2]);
    context.stroke();
    context.setLineDash([]);
  }
  context.font = '700 11px system-ui, sans-serif';
  context.textAlign = 'center';
  context.fillText(sign.textContent!, x, y + 0.5);
}
