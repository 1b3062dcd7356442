/**
 * Paints the lanes of a stretch of time on a canvas that is wider than the view, so that scrolling is copying.
 *
 * A state shows by its colour, its pattern and its letter: a leader is plain, a processing thread hatched, a follower a line
 * at the bottom. Heights are shares of time, so what lasted fills its lane; in a blend processing is at the bottom, leading
 * above it, and what is left over is following.
 */

import { clock, clockWithMillis, duration } from './format.js';
import type { Moment } from './history.js';
import { lanesAcross, type Piece, promotionsOf } from './lane-pieces.js';
import { ON_STATE, palette, STATE_COLOURS } from './palette.js';
import { DEAD, FOLLOWER, LEADER, LETTERS, PROCESSING, STARTING } from './states.js';

/** Pixels here are the device's, and count from the epoch: a moment has the same one in every picture. */
export interface Scale {
  /** Device pixels for each CSS pixel. */
  readonly density: number;
  readonly msPerPixel: number;
  /** The height of a lane, in device pixels. */
  readonly laneHeight: number;
  /** How wide the view is, in device pixels. */
  readonly view: number;
}

/** The hatch repeats after so many pixels; pictures begin at multiples of it, so that it stands still. */
export const hatchPixels = (density: number): number => Math.round(8 * density);
/** In CSS pixels: the least width that is drawn by itself, that has room for a letter, that has room for words. */
const FINEST = 2;
const LETTER_WIDTH = 15;
/** A line that is cut by every event would be all letters. */
const FOLLOWER_LETTER_WIDTH = 36;
const ARROWS_APART = 22;
/** A handler that holds its thread for longer gets its duration written on it. */
const HELD_MS = 50;
/** Upon the colour of a processing thread: its hatch, and the line where it begins. */
const SHADE = 'rgba(60, 36, 0, .24)';
const BEGINNING = 'rgba(60, 36, 0, .7)';

export const pixelOf = (time: number, { msPerPixel }: Scale): number => Math.round(time / msPerPixel);

/** What a picture shows besides itself. */
export interface Painted {
  /** The picture's first pixel. */
  readonly base: number;
  readonly width: number;
  readonly lanes: readonly (readonly Piece[])[];
  /** Whether anything is drawn as shares of time, and how many promotions found no room. */
  readonly blended: boolean;
  readonly arrowsLeft: number;
}

export class LanePainter {
  readonly #context: CanvasRenderingContext2D;
  readonly #hatches = new Map<string, CanvasPattern>();

  constructor(context: CanvasRenderingContext2D) {
    this.#context = context;
  }

  paint(moments: readonly Moment[], base: number, width: number, scale: Scale): Painted {
    const context = this.#context;
    const { density, laneHeight } = scale;
    const lanes = lanesAcross(moments, FINEST * density * scale.msPerPixel);
    context.clearRect(0, 0, width, context.canvas.height);
    this.#axis(base, width, lanes.length, scale);
    let blended = false;
    lanes.forEach((pieces, lane) => {
      for (const piece of pieces) {
        const left = pixelOf(piece.from, scale) - base;
        const right = Math.max(pixelOf(piece.to, scale) - base, left + Math.ceil(density));
        if (right <= 0 || left >= width) continue;
        if (piece.shares !== null) {
          blended = true;
          this.#blend(piece.shares, left, right, lane * laneHeight, scale);
        } else {
          this.stay(this.#context, piece.state, left, right, lane * laneHeight, scale);
        }
      }
      for (const piece of pieces) this.#label(piece, lane, base, width, scale);
    });
    const arrowsLeft = this.#promotions(moments, base, scale);
    return { base, width, lanes, blended, arrowsLeft };
  }

  /** Where a lane's ink may be: there is room between it and the next. */
  #inner(top: number, { density, laneHeight }: Scale): { top: number; height: number } {
    const gap = Math.round((laneHeight > 24 * density ? 5 : 2) * density);
    return { top: top + gap, height: laneHeight - 2 * gap };
  }

  /** One state for all of the time from a pixel to another. */
  stay(
    context: CanvasRenderingContext2D,
    state: number,
    left: number,
    right: number,
    laneTop: number,
    scale: Scale,
  ): void {
    const { top, height } = this.#inner(laneTop, scale);
    const bottom = top + height;
    const width = right - left;
    context.fillStyle = STATE_COLOURS[state]!;
    switch (state) {
      case LEADER:
        context.fillRect(left, top, width, height);
        break;
      case PROCESSING:
        context.fillRect(left, top, width, height);
        if (width > 3 * scale.density) {
          context.fillStyle = this.#hatch(SHADE, scale.density);
          context.fillRect(left, top, width, height);
          // One handler may follow another within a pixel; a line says where each begins.
          context.fillStyle = BEGINNING;
          context.fillRect(left, top, Math.max(1, Math.round(scale.density)), height);
        }
        break;
      case FOLLOWER: {
        const thin = Math.max(2, Math.round(3 * scale.density));
        context.fillRect(left, bottom - thin, width, thin);
        break;
      }
      case STARTING: {
        const half = Math.round(height * 0.4);
        context.globalAlpha = 0.75;
        context.fillRect(left, bottom - half, width, half);
        context.globalAlpha = 1;
        break;
      }
      case DEAD:
        context.fillStyle = this.#hatch(STATE_COLOURS[DEAD]!, scale.density);
        context.fillRect(left, top, width, height);
        break;
    }
  }

  #blend(shares: readonly number[], left: number, right: number, laneTop: number, scale: Scale): void {
    const context = this.#context;
    const { top, height } = this.#inner(laneTop, scale);
    let bottom = top + height;
    if ((shares[FOLLOWER] ?? 0) > 0) this.stay(context, FOLLOWER, left, right, laneTop, scale);
    for (const state of [STARTING, PROCESSING, LEADER, DEAD]) {
      const tall = Math.min(bottom - top, Math.round((shares[state] ?? 0) * height));
      if (tall <= 0) continue;
      context.fillStyle = STATE_COLOURS[state]!;
      context.fillRect(left, bottom - tall, right - left, tall);
      if (state === PROCESSING) {
        context.fillStyle = this.#hatch(SHADE, scale.density);
        context.fillRect(left, bottom - tall, right - left, tall);
      }
      bottom -= tall;
    }
  }

  #label(piece: Piece, lane: number, base: number, width: number, scale: Scale): void {
    const { density, laneHeight } = scale;
    if (piece.shares !== null || laneHeight < 15 * density) return;
    const left = pixelOf(piece.from, scale) - base;
    const right = pixelOf(piece.to, scale) - base;
    // One that begins before the picture has its label drawn where the view begins.
    if (
      left < 0 ||
      left >= width ||
      right - left < (piece.state === FOLLOWER ? FOLLOWER_LETTER_WIDTH : LETTER_WIDTH) * density
    )
      return;
    this.label(this.#context, piece, left, right, lane, scale);
  }

  /** The letter of a piece, and where there is room how long it lasted and for what. */
  label(
    context: CanvasRenderingContext2D,
    piece: Piece,
    left: number,
    right: number,
    lane: number,
    scale: Scale,
  ): void {
    const { density } = scale;
    const { top, height } = this.#inner(lane * scale.laneHeight, scale);
    const follower = piece.state === FOLLOWER;
    const room = right - left - 8 * density;
    const letter = LETTERS[piece.state] ?? '';
    const lasted = piece.to - piece.from;
    context.font = `600 ${11 * density}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.fillStyle = follower || piece.state === DEAD ? palette().soft : ON_STATE;
    const middle = follower ? top + height - 10 * density : top + height / 2;
    context.fillText(letter, left + 4 * density, middle);
    if (piece.state !== PROCESSING || lasted < HELD_MS) return;
    let at = left + 4 * density + context.measureText(`${letter} `).width;
    context.font = `${11 * density}px system-ui, sans-serif`;
    for (const words of [duration(lasted), piece.route]) {
      const wide = context.measureText(words).width;
      if (words === '' || at + wide > left + room) return;
      context.fillText(words, at, middle);
      at += wide + 7 * density;
    }
  }

  /** Arrows from who gave leadership up to who took it. */
  #promotions(moments: readonly Moment[], base: number, scale: Scale): number {
    const context = this.#context;
    const { density, laneHeight, msPerPixel } = scale;
    const rows = new Map(moments.at(-1)?.frame.threads.map(({ id }, index) => [id, index]));
    const { shown, left } = promotionsOf(moments, ARROWS_APART * density * msPerPixel);
    const head = 3.5 * density;
    context.strokeStyle = palette().ink;
    context.fillStyle = palette().ink;
    context.lineWidth = 1.25 * density;
    for (const { at, from, to } of shown) {
      const source = rows.get(from);
      const target = rows.get(to);
      if (source === undefined || target === undefined) continue;
      const x = pixelOf(at, scale) - base + 0.5;
      const down = target > source ? 1 : -1;
      const start = source * laneHeight + laneHeight / 2;
      const end = target * laneHeight + laneHeight / 2 - down * laneHeight * 0.18;
      context.globalAlpha = 0.7;
      context.beginPath();
      context.arc(x, start, 1.8 * density, 0, 2 * Math.PI);
      context.fill();
      context.beginPath();
      context.moveTo(x, start);
      context.lineTo(x, end - down * head);
      context.stroke();
      context.beginPath();
      context.moveTo(x, end);
      context.lineTo(x - head, end - down * head * 1.7);
      context.lineTo(x + head, end - down * head * 1.7);
      context.fill();
    }
    context.globalAlpha = 1;
    return left;
  }

  /** The lines between the lanes, and the time at the bottom, which moves along. */
  #axis(base: number, width: number, lanes: number, scale: Scale): void {
    const context = this.#context;
    const { density, laneHeight, msPerPixel } = scale;
    const { line, soft } = palette();
    const bottom = lanes * laneHeight;
    const hair = Math.max(1, Math.round(density));
    context.fillStyle = line;
    for (let lane = 1; lane <= lanes; lane++) context.fillRect(0, lane * laneHeight - hair, width, hair);
    const stepMs = tickMs(90 * density * msPerPixel);
    context.font = `${11 * density}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.textBaseline = 'top';
    for (let at = Math.floor((base * msPerPixel) / stepMs) * stepMs; ; at += stepMs) {
      const x = pixelOf(at, scale) - base;
      if (x > width + 60 * density) break;
      context.fillStyle = line;
      context.fillRect(x, 0, hair, bottom + 4 * density);
      context.fillStyle = soft;
      context.fillText(stepMs < 1000 ? clockWithMillis(at).slice(3) : clock(at), x, bottom + 7 * density);
    }
  }

  #hatch(colour: string, density: number): CanvasPattern {
    const key = `${colour} ${density}`;
    const made = this.#hatches.get(key);
    if (made !== undefined) return made;
    const size = hatchPixels(density);
    const tile = document.createElement('canvas');
    tile.width = tile.height = size;
    const context = tile.getContext('2d')!;
    context.strokeStyle = colour;
    context.lineWidth = 2 * density;
    context.beginPath();
    for (const shift of [-size, 0, size]) {
      context.moveTo(shift - 2, size + 2);
      context.lineTo(shift + size + 2, -2);
    }
    context.stroke();
    const pattern = this.#context.createPattern(tile, 'repeat')!;
    this.#hatches.set(key, pattern);
    return pattern;
  }
}

/** A round distance between two times of the axis, at least `minMs`. */
function tickMs(minMs: number): number {
  for (const step of [50, 100, 250, 500, 1000, 2000, 5000, 10_000, 15_000]) if (step >= minMs) return step;
  return 30_000;
}
