/**
 * Paints the lanes of a stretch of time on a canvas that is wider than the view, so that scrolling is copying.
 *
 * A state is shown by its colour, its pattern and its letter: a leader is plain, a processing thread hatched, a follower a
 * line at the bottom. Heights are shares of time, so a single state fills its lane. In a blend processing is at the bottom,
 * leading above it, and the rest is following. In other models a thread that waits for events is drawn as a leader, one that waits for
 * another thread as a follower.
 *
 * A hand-over of a connection is a triangle at the upper edge of each of the two lanes: pointing up out of the lane that gave
 * the connection, down into the one that took it. The death of a thread is a cross in a circle.
 */
import type { Death } from '../protocol.js';
import { duration } from './format.js';
import { tickMs } from './lane-axis.js';
import { type HandOver, handOversOf, lanesAcross, type Piece, promotionsOf } from './lane-pieces.js';
import { Model } from './model.js';
import type { Moment } from './moment.js';
import { ON_STATE, palette, STATE_COLOURS } from './palette.js';
import { pixelOf, type Scale } from './scale.js';
import { DEAD, FOLLOWER, LEADER, PROCESSING, STARTING } from './states.js';

/** The hatch repeats after this many pixels; pictures begin at multiples of it, so that it does not jump. */
export const hatchPixels = (density: number): number => Math.round(8 * density);
/** In CSS pixels: the smallest width of a piece that is drawn by itself, and of one that has room for a letter. */
const FINEST = 2;
const LETTER_WIDTH = 15;
const LOWEST_WITH_LABELS = 15;
/** More for a follower, whose line is cut by every event and would consist of letters. */
const FOLLOWER_LETTER_WIDTH = 36;
const ARROWS_APART = 22;
/** The width of the mark of a hand-over, and how far apart two of a lane are at least. */
const MARK_WIDTH = 9;
const MARKS_APART = 10;
/** A handler that occupies its thread for longer is labelled with its duration. */
const HELD_MS = 50;
/** On the colour of a processing thread: its hatch, and the line where it begins. */
const SHADE = 'rgba(60, 36, 0, .24)';
const BEGINNING = 'rgba(60, 36, 0, .7)';

/** What is painted: the threads by their numbers, in the order of their lanes. */
export interface Shown {
  readonly moments: readonly Moment[];
  readonly deaths: readonly Death[];
  readonly threads: readonly number[];
}

/** The lane of each thread. */
type Rows = ReadonlyMap<number, number>;

/** A painted picture, with what is needed to use it. */
export interface Painted {
  /** The picture's first pixel. */
  readonly base: number;
  readonly width: number;
  readonly lanes: readonly (readonly Piece[])[];
  readonly handOvers: readonly HandOver[];
  /** Whether anything is drawn as shares of time, and how many promotions had no room. */
  readonly blended: boolean;
  readonly arrowsLeft: number;
}

export class LanePainter {
  readonly #context: CanvasRenderingContext2D;
  readonly #hatches = new Map<string, CanvasPattern>();
  #threads: readonly number[] = [];
  /** Whose letters are written. */
  model = new Model();

  constructor(context: CanvasRenderingContext2D) {
    this.#context = context;
  }

  /** Paints the lanes of some threads, in their order. */
  paint({ moments, deaths, threads }: Shown, base: number, width: number, scale: Scale): Painted {
    const context = this.#context;
    const { density, laneHeight } = scale;
    this.#threads = threads;
    const rows: Rows = new Map(threads.map((id, index) => [id, index]));
    const all = lanesAcross(moments, FINEST * density * scale.msPerPixel);
    const ids = moments.at(-1)?.frame.threads.map(({ id }) => id) ?? [];
    const lanes = threads.map((id) => all[ids.indexOf(id)] ?? []);
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
    const arrowsLeft = this.#promotions(moments, rows, base, scale);
    const handOvers = this.#handOvers(moments, rows, base, scale);
    this.#deaths(deaths, rows, base, scale);
    return { base, width, lanes, handOvers, blended, arrowsLeft };
  }

  /** The part of a lane that is painted; the rest is the gap to the next one. */
  #inner(top: number, { density, laneHeight }: Scale): { top: number; height: number } {
    const gap = Math.round((laneHeight > 24 * density ? 5 : 2) * density);
    return { top: top + gap, height: laneHeight - 2 * gap };
  }

  /** Paints one state from one pixel to another. */
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
          // One handler may follow another within a pixel; a line marks where each begins.
          context.fillStyle = BEGINNING;
          context.fillRect(left, top, Math.max(1, Math.round(scale.density)), height);
        }
        break;
      case FOLLOWER: {
        const thin = Math.max(1, Math.round(Math.min(3 * scale.density, scale.laneHeight / 9)));
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
    const { density } = scale;
    if (piece.shares !== null) return;
    const left = pixelOf(piece.from, scale) - base;
    const right = pixelOf(piece.to, scale) - base;
    // A piece that begins before the picture is labelled at the edge of the view; see lanes.ts.
    if (
      left < 0 ||
      left >= width ||
      right - left < (piece.state === FOLLOWER ? FOLLOWER_LETTER_WIDTH : LETTER_WIDTH) * density
    )
      return;
    this.label(this.#context, piece, left, right, lane, scale);
  }

  /** Writes the letter of a piece and, if there is room, its duration and request. */
  label(
    context: CanvasRenderingContext2D,
    piece: Piece,
    left: number,
    right: number,
    lane: number,
    scale: Scale,
  ): void {
    const { density, laneHeight } = scale;
    if (laneHeight < LOWEST_WITH_LABELS * density) return;
    const { top, height } = this.#inner(lane * laneHeight, scale);
    const follower = piece.state === FOLLOWER;
    const room = right - left - 8 * density;
    const letter = this.model.letterOf(this.#threads[lane]!, piece.state);
    const lasted = piece.to - piece.since;
    context.font = `600 ${11 * density}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    // The letters of these are beside their colour, on the card.
    const isBeside = follower || piece.state === DEAD || piece.state === STARTING;
    context.fillStyle = isBeside ? palette().soft : ON_STATE;
    const middle = follower
      ? top + height - 10 * density
      : top + height * (piece.state === STARTING ? 0.3 : 0.5);
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

  /** Draws arrows from the thread that gave leadership up to the one that took it. @returns how many had no room */
  #promotions(moments: readonly Moment[], rows: Rows, base: number, scale: Scale): number {
    const context = this.#context;
    const { density, laneHeight, msPerPixel } = scale;
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

  /** Draws the marks of hand-overs, outlined so that they are seen on every state's colour. */
  #handOvers(moments: readonly Moment[], rows: Rows, base: number, scale: Scale): HandOver[] {
    const context = this.#context;
    const { density, laneHeight, msPerPixel } = scale;
    const handOvers = handOversOf(moments, MARKS_APART * density * msPerPixel);
    const half = Math.min((MARK_WIDTH / 2) * density, laneHeight * 0.25);
    context.fillStyle = palette().ink;
    context.strokeStyle = palette().card;
    context.lineWidth = 2 * density;
    context.lineJoin = 'round';
    for (const { thread, given, at } of handOvers) {
      const row = rows.get(thread);
      if (row === undefined) continue;
      const x = pixelOf(at, scale) - base + 0.5;
      const { top } = this.#inner(row * laneHeight, scale);
      const [tip, foot] = given ? [top, top + half * 1.6] : [top + half * 1.6, top];
      context.beginPath();
      context.moveTo(x, tip);
      context.lineTo(x - half, foot);
      context.lineTo(x + half, foot);
      context.closePath();
      context.stroke();
      context.fill();
    }
    return handOvers;
  }

  /** Marks the deaths of threads, on top of everything else. */
  #deaths(deaths: readonly Death[], rows: Rows, base: number, scale: Scale): void {
    const context = this.#context;
    const { density, laneHeight } = scale;
    const { bad, card } = palette();
    const radius = Math.min(9 * density, laneHeight * 0.42);
    const arm = radius * 0.42;
    for (const { thread, at } of deaths) {
      const row = rows.get(thread);
      if (row === undefined) continue;
      // It ends at the time of the death, so that the label of what follows stays free.
      const x = pixelOf(at, scale) - base - radius;
      const y = row * laneHeight + laneHeight / 2;
      context.fillStyle = bad;
      context.strokeStyle = card;
      context.lineWidth = 2 * density;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
      context.fill();
      context.lineWidth = Math.min(2.25 * density, radius * 0.3);
      context.lineCap = 'round';
      context.beginPath();
      context.moveTo(x - arm, y - arm);
      context.lineTo(x + arm, y + arm);
      context.moveTo(x + arm, y - arm);
      context.lineTo(x - arm, y + arm);
      context.stroke();
      context.lineCap = 'butt';
    }
  }

  /** Draws the lines between the lanes, and those of the time axis; see lane-axis.ts for its labels. */
  #axis(base: number, width: number, lanes: number, scale: Scale): void {
    const context = this.#context;
    const { density, laneHeight, msPerPixel } = scale;
    const { line } = palette();
    const bottom = lanes * laneHeight;
    const hair = Math.max(1, Math.round(density));
    context.fillStyle = line;
    for (let lane = 1; lane <= lanes; lane++) context.fillRect(0, lane * laneHeight - hair, width, hair);
    const stepMs = tickMs(scale);
    for (let at = Math.floor((base * msPerPixel) / stepMs) * stepMs; ; at += stepMs) {
      const x = pixelOf(at, scale) - base;
      if (x > width) break;
      context.fillRect(x, 0, hair, bottom + 4 * density);
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
