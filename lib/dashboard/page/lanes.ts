/**
 * The canvas of the lanes: the painted picture, copied to the position of the time shown, and at its right end the riders, one
 * for each thread, the leader in front.
 */
import { type Death, STATES } from '../protocol.js';
import { engagedSign, make, reducedMotion, setAttribute, setText } from './dom.js';
import { clockWithMillis, count, duration, percent } from './format.js';
import type { History } from './history.js';
import { writeTimes } from './lane-axis.js';
import { hatchPixels, LanePainter, type Painted } from './lane-painter.js';
import { pieceAt } from './lane-pieces.js';
import { capitalized, Model } from './model.js';
import type { Moment } from './moment.js';
import { ON_STATE, onPaletteChange, palette, STATE_COLOURS } from './palette.js';
import { pixelOf, type Scale } from './scale.js';
import { DEAD, FOLLOWER, LEADER, PROCESSING, STARTING, stateNumber } from './states.js';
import { shownRows, sinceOf } from './thread-rows.js';

/** In CSS pixels: the strip of the riders at the right, and the axis at the bottom. */
const RIDERS_WIDTH = 62;
const AXIS_HEIGHT = 24;
/** The distance of a rider from the strip's left end, by its state: the leader is in front or, where none leads, those that process. */
const PLACES: readonly number[] = [13, 13, 13, 46, 29];
const PLACES_WITHOUT_LEADER: readonly number[] = [13, 13, 13, 13, 29];
/** The share of the way to its position that a rider moves with each drawing. */
const EASE = 0.2;
/** The picture is wider than the view by this share of it, so that it can scroll. */
const SPARE = 0.25;
/** How far the pointer may be from the mark of a hand-over that it points at, in CSS pixels. */
const NEAR_MARK = 6;
/** The smallest height of a lane, in CSS pixels, for a letter in its rider. */
const LETTER_HEIGHT = 18;
/** The smallest width, in CSS pixels, for a label at the view's edge. */
const CUT_LABEL = 24;

/** The elements of some lanes. */
export interface LanesPlace {
  readonly lanes: HTMLElement;
  readonly names: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly note: HTMLElement;
  readonly legend: HTMLElement;
}

export class Lanes {
  readonly #history: History;
  readonly #names: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #picture = make('canvas');
  readonly #painter = new LanePainter(this.#picture.getContext('2d')!);
  readonly #note: HTMLElement;
  readonly #legend: HTMLElement;
  readonly #buttons: {
    readonly button: HTMLButtonElement;
    readonly badge: HTMLElement;
    readonly engaged: HTMLElement;
    readonly share: HTMLElement;
  }[] = [];
  readonly #onSelect: (thread: number) => void;
  #model = new Model();
  #threads: readonly number[] = [];
  #windowMs = 10_000;
  #painted: Painted | null = null;
  #riders: number[] = [];
  #width = 0;
  #laneHeight = 40;
  #pointer: { readonly x: number; readonly y: number } | null = null;
  #right = 0;

  constructor(
    { lanes, names, canvas, note, legend }: LanesPlace,
    history: History,
    onSelect: (thread: number) => void,
    redraw: () => void,
  ) {
    this.#names = names;
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d')!;
    this.#note = note;
    this.#legend = legend;
    this.#history = history;
    this.#onSelect = onSelect;
    onPaletteChange(() => {
      this.invalidate();
      redraw();
    });
    new ResizeObserver(() => {
      this.#layOut();
      redraw();
    }).observe(lanes);
    this.#canvas.addEventListener('click', ({ offsetY }) => {
      const thread = this.#threads[Math.floor(offsetY / this.#laneHeight)];
      if (thread !== undefined) onSelect(thread);
    });
    this.#canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
      this.#pointer = { x: offsetX, y: offsetY };
      redraw();
    });
    this.#canvas.addEventListener('pointerleave', () => {
      this.#pointer = null;
      redraw();
    });
    this.#layOut();
  }

  /** Shows the threads of another model. */
  introduce(model: Model): void {
    this.#model = model;
    this.#painter.model = model;
    this.#threads = [];
    makeLegend(model, this.#legend);
    this.invalidate();
  }

  set windowMs(ms: number) {
    this.#windowMs = ms;
    this.invalidate();
  }

  /** By which other drawings stand below the lanes. */
  get scale(): Scale {
    return this.#scale();
  }

  /** A picture of the lanes with the threads' names, which on the page are beside the canvas. */
  picture(): HTMLCanvasElement {
    const { density, laneHeight } = this.#scale();
    const room = Math.round(84 * density);
    const picture = make('canvas');
    picture.width = this.#canvas.width + room;
    picture.height = this.#canvas.height;
    picture.setAttribute('aria-label', this.#canvas.getAttribute('aria-label') ?? '');
    const context = picture.getContext('2d')!;
    context.drawImage(this.#canvas, room, 0);
    context.fillStyle = palette().ink;
    context.font = `${13 * density}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    this.#threads.forEach((id, index) => {
      context.fillText(this.#model.title(id), 0, index * laneHeight + laneHeight / 2);
    });
    return picture;
  }

  /** To be called when something that the picture shows has changed. */
  invalidate(): void {
    this.#painted = null;
  }

  /** Shows the names and letters of some threads beside the canvas. Called less often than the canvas is drawn. */
  showNames({ frame }: Moment, shown: readonly number[], selected: number): void {
    if (shown.join() !== this.#threads.join()) {
      this.#threads = shown;
      this.#riders = [];
      this.#makeButtons();
      this.#layOut();
    }
    shownRows(frame, shown).forEach((row, index) => {
      const { button, badge, engaged, share } = this.#buttons[index]!;
      setAttribute(badge, 'data-state', row.state);
      setText(badge, this.#model.letterOf(row.id, stateNumber(row.state)));
      engaged.hidden = !row.engaged;
      setText(share, percent(row.busy));
      setAttribute(button, 'aria-pressed', String(row.id === selected));
    });
  }

  /** Describes the lanes for screen readers. */
  describe({ frame }: Moment): void {
    const sentences = shownRows(frame, this.#threads).map((row) => {
      const { id, state, engaged, route } = row;
      const held = sinceOf(row) > 0 ? ` for ${duration(frame.at - sinceOf(row))}` : '';
      return `${this.#model.name(id)}${engaged ? ', engaged,' : ''} ${this.#model.word(row)}${held}${state === 'processing' && route !== '' ? `, ${route}` : ''}`;
    });
    setAttribute(
      this.#canvas,
      'aria-label',
      `The lanes of the threads at ${clockWithMillis(frame.at)}: ${sentences.join('; ')}.`,
    );
  }

  /** Draws the lanes so that they end at the time `right`, with the riders as in `moment`; nothing without a moment. */
  draw(right: number, moment: Moment | undefined): void {
    const scale = this.#scale();
    const { view } = scale;
    const rightPixel = pixelOf(right, scale);
    this.#right = right;
    const first = rightPixel - view;
    if (
      this.#painted === null ||
      first < this.#painted.base ||
      rightPixel > this.#painted.base + this.#painted.width
    ) {
      this.#paint(first, scale);
    }
    const painted = this.#painted!;
    const context = this.#context;
    const height = this.#canvas.height;
    context.clearRect(0, 0, this.#canvas.width, height);
    if (moment === undefined) return;
    context.save();
    context.beginPath();
    context.rect(0, 0, view, height);
    context.clip();
    context.drawImage(this.#picture, first - painted.base, 0, view, height, 0, 0, view, height);
    this.#labelsOfTheCut(first, scale);
    context.restore();
    writeTimes(context, first, this.#threads.length * scale.laneHeight, scale);
    this.#drawRiders(moment, scale);
    this.#drawPointer(scale);
    this.#writeNote();
  }

  #scale(): Scale {
    const density = window.devicePixelRatio || 1;
    const view = Math.max(1, this.#canvas.width - Math.round(RIDERS_WIDTH * density));
    return {
      density,
      view,
      msPerPixel: this.#windowMs / view,
      laneHeight: Math.round(this.#laneHeight * density),
    };
  }

  #paint(first: number, scale: Scale): void {
    const tile = hatchPixels(scale.density);
    const base = Math.floor(first / tile) * tile;
    const width = Math.ceil(scale.view * (1 + SPARE) + tile);
    if (this.#picture.width !== width || this.#picture.height !== this.#canvas.height) {
      this.#picture.width = width;
      this.#picture.height = this.#canvas.height;
    }
    const from = base * scale.msPerPixel;
    const moments = this.#history.between(from, from + width * scale.msPerPixel);
    const { deaths } = this.#history;
    this.#painted = this.#painter.paint({ moments, deaths, threads: this.#threads }, base, width, scale);
  }

  /** Labels pieces that began before the view at its edge, so that their labels do not scroll out of sight. */
  #labelsOfTheCut(first: number, scale: Scale): void {
    const context = this.#context;
    const tile = hatchPixels(scale.density);
    const shift = first % tile;
    this.#painted!.lanes.forEach((lane, index) => {
      const piece = pieceAt(lane, first * scale.msPerPixel);
      if (piece === undefined || (piece.state !== PROCESSING && piece.state !== LEADER)) return;
      const right = pixelOf(piece.to, scale) - first;
      if (right < CUT_LABEL * scale.density) return;
      // Painted over the label of the picture, with the hatch aligned to the picture's.
      context.save();
      context.translate(-shift, 0);
      this.#painter.stay(context, piece.state, shift, right + shift, index * scale.laneHeight, scale);
      context.restore();
      this.#painter.label(context, piece, 0, right, index, scale);
    });
  }

  #drawRiders(moment: Moment, { density, laneHeight, view }: Scale): void {
    const context = this.#context;
    const { line, card, ink } = palette();
    context.fillStyle = line;
    context.fillRect(view, 0, Math.max(1, density), this.#threads.length * laneHeight);
    const places = this.#model.promotes ? PLACES : PLACES_WITHOUT_LEADER;
    shownRows(moment.frame, this.#threads).forEach(({ id, state }, index) => {
      const number = stateNumber(state);
      const place = places[number]!;
      const at = this.#riders[index] ?? place;
      const eased = reducedMotion.matches || Math.abs(place - at) < 0.5 ? place : at + (place - at) * EASE;
      this.#riders[index] = eased;
      const radius =
        Math.min(number === LEADER && this.#model.promotes ? 11 : 8.5, this.#laneHeight * 0.36) * density;
      const x = view + eased * density;
      const y = index * laneHeight + laneHeight / 2;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = number === FOLLOWER ? card : STATE_COLOURS[number]!;
      context.fill();
      context.lineWidth = 2 * density;
      context.strokeStyle = STATE_COLOURS[number]!;
      context.stroke();
      if (this.#laneHeight < LETTER_HEIGHT) return;
      context.fillStyle = number === FOLLOWER ? ink : ON_STATE;
      context.font = `700 ${Math.min(11, this.#laneHeight * 0.5) * density}px system-ui, sans-serif`;
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      context.fillText(this.#model.letterOf(id, number), x, y + 0.5 * density);
    });
  }

  #drawPointer(scale: Scale): void {
    if (this.#pointer === null) return;
    const x = this.#pointer.x * scale.density;
    if (x >= scale.view) return;
    this.#context.fillStyle = palette().soft;
    this.#context.fillRect(
      Math.round(x),
      0,
      Math.max(1, scale.density),
      this.#threads.length * scale.laneHeight,
    );
  }

  /** Shows the piece under the pointer, else a note about the drawing. */
  #writeNote(): void {
    setText(this.#note, this.#underPointer() ?? this.#aboutDrawing());
  }

  #underPointer(): string | null {
    if (this.#pointer === null || this.#painted === null) return null;
    const scale = this.#scale();
    const index = Math.floor(this.#pointer.y / this.#laneHeight);
    const time = this.#right - (scale.view - this.#pointer.x * scale.density) * scale.msPerPixel;
    const piece = pieceAt(this.#painted.lanes[index] ?? [], time);
    const thread = this.#threads[index]!;
    const marks = this.#marksAt(thread, time, scale);
    if (piece === undefined && marks.length === 0) return null;
    const word = (state: number): string => this.#model.wordOf(thread, state);
    const what =
      piece === undefined
        ? 'unknown'
        : piece.shares === null
          ? `${capitalized(word(piece.state))} for ${duration(piece.to - piece.since)}${piece.route === '' ? '' : `, ${piece.route}`}`
          : [LEADER, PROCESSING, FOLLOWER, STARTING, DEAD]
              .filter((state) => (piece.shares![state] ?? 0) > 0)
              .map((state) => `${this.#model.letterOf(thread, state)} ${percent(piece.shares![state])}`)
              .join(', ');
    return `${clockWithMillis(time)} · ${this.#model.name(thread)}: ${[what, ...marks].join('; ')}`;
  }

  /** What the marks next to a time of a lane say. */
  #marksAt(thread: number, time: number, { density, msPerPixel }: Scale): string[] {
    const nearMs = NEAR_MARK * density * msPerPixel;
    const isNear = (mark: { thread: number; at: number }): boolean =>
      mark.thread === thread && Math.abs(mark.at - time) <= nearMs;
    const handOvers = this.#painted!.handOvers.filter(isNear).map(({ given, count: connections }) => {
      const what = connections === 1 ? 'a connection' : `${count(connections)} connections`;
      return given ? `handed over ${what}` : `took over ${what}`;
    });
    return [...this.#history.deaths.filter(isNear).map(died), ...handOvers];
  }

  #aboutDrawing(): string {
    if (this.#painted === null || this.#painted.lanes.length === 0) return '';
    const { blended, arrowsLeft } = this.#painted;
    if (blended) {
      const [waits, rests] = [LEADER, FOLLOWER].map((state) =>
        this.#model.wordsFor(state)[0]?.charAt(0).toUpperCase(),
      );
      const how = rests === undefined ? `the rest ${waits}` : `${waits} above it, the rest ${rests}`;
      return `Where changes come too fast to be drawn apart, heights are shares of time: P hatched, ${how}.`;
    }
    if (!this.#model.promotes) return '';
    if (arrowsLeft > 0)
      return `An arrow is a promotion; ${count(arrowsLeft)} more had no room. Show less time to see them.`;
    return 'An arrow is a promotion: from the thread that gave leadership up to the one that took it.';
  }

  #makeButtons(): void {
    this.#buttons.length = 0;
    this.#names.replaceChildren();
    for (const id of this.#threads) {
      const [kind, number] = this.#model.nameParts(id);
      const badge = make('span', 'badge');
      badge.setAttribute('aria-hidden', 'true');
      const engaged = engagedSign('E');
      const share = make('span', 'share');
      const button = make(
        'button',
        '',
        badge,
        make('span', '', make('span', 'wide', `${kind} `), number),
        engaged,
        share,
      );
      button.type = 'button';
      button.addEventListener('click', () => this.#onSelect(id));
      this.#names.append(button);
      this.#buttons.push({ button, badge, engaged, share });
    }
  }

  #layOut(): void {
    const lanes = Math.max(1, this.#threads.length);
    this.#laneHeight = lanes <= 8 ? 42 : lanes <= 16 ? 30 : lanes <= 32 ? 20 : 13;
    const density = window.devicePixelRatio || 1;
    const height = lanes * this.#laneHeight + AXIS_HEIGHT;
    this.#names.style.setProperty('--lane', `${this.#laneHeight}px`);
    this.#names.classList.toggle('low', this.#laneHeight < LETTER_HEIGHT);
    this.#canvas.style.height = `${height}px`;
    this.#width = this.#canvas.clientWidth;
    this.#canvas.width = Math.round(this.#width * density);
    this.#canvas.height = lanes * Math.round(this.#laneHeight * density) + Math.round(AXIS_HEIGHT * density);
    this.invalidate();
  }
}

const died = ({ reason }: Death): string => (reason === '' ? 'died' : `died: ${reason}`);

const ENGAGED = ['engaged', 'E', 'Engaged'] as const;
const DIED = ['death', '✕', 'Died'] as const;
const HAND_OVERS = [
  ['mark', '▲', 'Handed a connection over'],
  ['mark', '▼', 'Took one over'],
] as const;

/** Makes the legend of letters, colours and marks. */
function makeLegend(model: Model, legend: HTMLElement): void {
  legend.replaceChildren();
  for (const state of [LEADER, PROCESSING, FOLLOWER, STARTING, DEAD]) {
    for (const word of model.wordsFor(state).map(capitalized)) {
      const badge = make('span', 'badge', word.charAt(0));
      badge.dataset.state = STATES[state]!;
      legend.append(make('li', '', badge, word));
    }
  }
  for (const [className, sign, words] of model.promotes ? [ENGAGED, DIED, ...HAND_OVERS] : [DIED]) {
    legend.append(make('li', '', make('span', className, sign), words));
  }
}
