/** One model: what it is, its lanes, and below them its answers. */
import { make, setText } from '../../dashboard/page/dom.js';
import { durationParts, percent } from '../../dashboard/page/format.js';
import { History } from '../../dashboard/page/history.js';
import { Lanes } from '../../dashboard/page/lanes.js';
import { Model as ServerModel } from '../../dashboard/page/model.js';
import { onPaletteChange } from '../../dashboard/page/palette.js';
import { Playback } from '../../dashboard/page/playback.js';
import type { Hello, ServerMessage } from '../../dashboard/protocol.js';
import type { AnswerTuple } from '../load-messages.js';
import type { Mix } from '../mixes.js';
import type { Figures, Model } from '../protocol.js';
import { threadCount } from '../rows.js';
import { AnswersStrip, signOf } from './answers-strip.js';
import { dotsOf } from './dots.js';

/** From this share on the requests that waited behind a slow handler are more than the noise of a busy machine. */
const STALLS_SHARE = 0.005;

export class ModelView {
  readonly model: Model;
  readonly history = new History();
  readonly playback = new Playback(this.history);
  readonly section: HTMLElement;
  readonly canvas = make('canvas');
  readonly answers = make('canvas', 'answers');
  readonly lanes: Lanes;
  readonly #strip = new AnswersStrip(this.answers);
  readonly #big = make('strong', 'big', '–');
  readonly #bigName = make('span', 'soft');
  readonly #star = make('span', 'star', '★');
  readonly #behind = make('p', 'behind');
  readonly #states = make('ul');
  readonly #dots = make('ul', 'dots');
  #mix: Mix | null = null;
  readonly #ended = make('p', 'warning', 'This server has ended.');

  /** @param onSelect a lane was chosen */
  constructor(model: Model, onSelect: () => void, redraw: () => void) {
    this.model = model;
    const names = make('div', 'lane-names');
    // No thread can be chosen here, and the canvas describes all of them.
    names.inert = true;
    this.canvas.setAttribute('role', 'img');
    this.answers.setAttribute('role', 'img');
    this.answers.setAttribute(
      'aria-label',
      `The answers of ${model.title} by when they were due and how long they took.`,
    );
    const lanes = make('div', 'lanes', names, this.canvas);
    const note = make('p', 'soft note');
    this.#states.setAttribute('aria-label', 'Letters, colours and marks');
    this.#dots.setAttribute('aria-label', 'Dots');
    const below = make('div', 'answers-row', make('p', 'soft answers-name', 'Answers'), this.answers);
    const under = make('div', 'legend', make('div', 'states', this.#states, note), this.#dots);
    this.section = make('section', 'card model', this.#head(), this.#ended, lanes, below, under);
    this.section.dataset.model = model.name;
    this.#ended.hidden = true;
    this.#star.hidden = true;
    onPaletteChange(() => this.#explainDots());
    this.lanes = new Lanes(
      { lanes, names, canvas: this.canvas, note, legend: this.#states },
      this.history,
      onSelect,
      redraw,
    );
  }

  #head(): HTMLElement {
    const { title, name, threads, summary, source, dashboard } = this.model;
    const link = make('a', '', 'Its dashboard');
    link.href = dashboard;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    const count = threadCount(threads);
    const about = make('p', 'summary', summary, ' ', make('span', 'soft source', `${source}.`));
    const what = make('p', 'soft', make('code', '', name), ` · ${count} · `, link);
    this.#star.title = 'The better one';
    return make(
      'div',
      'model-head',
      make('div', '', make('h2', '', title), about, what),
      make(
        'div',
        'figure-side',
        make('p', 'figure', make('span', 'figure-value', this.#star, this.#big), this.#bigName),
        this.#behind,
      ),
    );
  }

  take(message: ServerMessage): void {
    if (message.type === 'frame') this.history.add(message);
    else if (message.type === 'hello') this.#begin(message);
  }

  #begin(hello: Hello): void {
    if (!this.history.begin(hello)) return;
    this.playback.toLive();
    this.lanes.introduce(new ServerModel(hello));
  }

  /** Explains the dots of another mix. */
  showMix(mix: Mix): void {
    if (mix === this.#mix) return;
    this.#mix = mix;
    this.#explainDots();
  }

  #explainDots(): void {
    if (this.#mix === null) return;
    const items = dotsOf(this.#mix).map(([dot, words]) => make('li', '', signOf(dot), words));
    this.#dots.replaceChildren(...items);
  }

  addAnswers(answers: readonly AnswerTuple[], mix: Mix): void {
    this.#strip.add(answers, mix);
  }

  /**
   * Shows the two figures that say most: a high percentile of the fast requests, and whether a slow handler stalled others.
   *
   * @param late whether requests waited for the process that sends them, too
   */
  showFigure(name: string, figures: Figures | null, isBetter: boolean, late: boolean): void {
    setText(this.#big, durationParts(figures?.latencies[0]?.p99).join('\u202f'));
    setText(this.#bigName, `${name}, p99`);
    this.#star.hidden = !isBetter;
    const behind = figures?.behind ?? null;
    this.#behind.hidden = behind === null;
    this.#behind.classList.toggle('stalls', behind !== null && behind >= STALLS_SHARE && !late);
    setText(this.#behind, `${percent(behind)} waited behind a slow handler`);
  }

  /** The same figures as one text. */
  get figure(): string {
    const behind = this.#behind.hidden ? '' : `; ${this.#behind.textContent}`;
    return `${this.#star.hidden ? '' : '★ '}${this.#bigName.textContent}: ${this.#big.textContent}${behind}`;
  }

  /** What the legend shows. */
  get legend(): readonly HTMLElement[] {
    return [...this.section.querySelectorAll<HTMLElement>('.legend li')].filter(
      (item) => item.offsetParent !== null,
    );
  }

  showEnded(hasEnded: boolean): void {
    this.#ended.hidden = !hasEnded;
  }

  /** Shows the names of the threads, and describes the lanes for screen readers. */
  showWords(): void {
    const { moment } = this.playback;
    if (moment === undefined) return;
    const threads = moment.frame.threads.map(({ id }) => id);
    this.lanes.showNames(moment, threads, -1);
    this.lanes.describe(moment);
    this.section.classList.toggle('had-deaths', this.history.deaths.length > 0);
  }

  draw(right: number): void {
    this.lanes.draw(right, this.playback.moment);
    this.#strip.draw(right, this.lanes.scale, this.canvas.width);
  }
}
