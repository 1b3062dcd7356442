/** The panel of one thread: its state, how it spends its time, its last transitions, its histograms. */
import type { Detail, ThreadRow, TransitionTuple } from '../protocol.js';
import { STATES } from '../protocol.js';
import { byId, make, setAttribute, setText } from './dom.js';
import { clockWithMillis, count, duration, NOTHING, percent } from './format.js';
import { HistogramView } from './histogram-view.js';
import type { History } from './history.js';
import { capitalized, Model } from './model.js';
import type { Moment } from './moment.js';
import type { Playback } from './playback.js';
import { LEADER } from './states.js';
import { sinceOf } from './thread-rows.js';

const MAX_ROWS = 40;
const QUEUE_WAIT = 'Wait in the ready list';

/** The labels of a thread's counters; see memory/counters.ts. */
const COUNTER_NAMES: Readonly<Record<string, string>> = {
  events: 'events',
  requests: 'requests',
  leaderships: 'times leader',
  promotions: 'leadership given',
  reclaims: 'leadership won back',
  wakeUps: 'followers woken',
  parks: 'parked',
  kernelWaits: 'kernel waits',
  kernelPolls: 'kernel polls',
  handOffs: 'hand-offs',
  loopPasses: 'loop passes',
  errors: 'errors',
  accepted: 'connections accepted',
  closed: 'connections closed',
  dropped: 'connections dropped',
  responses1xx: 'responses 1xx',
  responses2xx: 'responses 2xx',
  responses3xx: 'responses 3xx',
  responses4xx: 'responses 4xx',
  responses5xx: 'responses 5xx',
  handOvers: 'connections handed over',
  handOversTaken: 'connections taken over',
};

const NAMES_WITHOUT_LEADER: Readonly<Record<string, string>> = { wakeUps: 'threads woken' };

/** Those that are about leaders, and about what only they do. */
const OF_LEADERS: ReadonlySet<string> = new Set([
  'leaderships',
  'promotions',
  'reclaims',
  'handOvers',
  'handOversTaken',
]);

export class DetailPanel {
  readonly #history: History;
  readonly #playback: Playback;
  readonly #panel = byId('detail');
  readonly #title = byId('detail-title');
  readonly #now = make('p', 'now');
  readonly #shares = make('div', 'shares');
  readonly #shareWords = make('p', 'numbers');
  readonly #counters = make('dl', 'counters');
  readonly #transitions = make('tbody');
  readonly #transitionsNote = make('p', 'soft');
  readonly #histograms = {
    responseMs: new HistogramView('Response time'),
    queueMs: new HistogramView(QUEUE_WAIT),
    promotionMs: new HistogramView('Promotion'),
    loopDelayMs: new HistogramView('Delay of its event loop'),
  };
  readonly #promotedBy = make('th', '', 'Promoted by');
  #model = new Model();
  #detail: Detail | null = null;
  #thread = -1;

  constructor(history: History, playback: Playback, onClose: () => void) {
    this.#history = history;
    this.#playback = playback;
    byId('detail-close').addEventListener('click', onClose);
    const names = ['At', 'Change', 'After'].map((name) => make('th', '', name));
    const head = make('tr', '', ...names, this.#promotedBy);
    for (const cell of head.cells) cell.scope = 'col';
    const table = make('table', 'transitions', make('thead', '', head), this.#transitions);
    table.setAttribute('aria-label', 'Last transitions');
    const scroller = make('div', 'scroller', table);
    scroller.tabIndex = 0;
    scroller.setAttribute('role', 'region');
    scroller.setAttribute('aria-label', 'Last transitions');
    byId('detail-body').append(
      this.#now,
      make('h3', '', 'The last second'),
      this.#shares,
      this.#shareWords,
      make('h3', '', 'Histograms since the start'),
      make('div', 'histograms', ...Object.values(this.#histograms).map(({ element }) => element)),
      make('h3', '', 'Last transitions'),
      this.#transitionsNote,
      scroller,
      make('h3', '', 'Counted since the start'),
      this.#counters,
    );
  }

  /** Shows the threads of another model. */
  introduce(model: Model): void {
    this.#model = model;
    this.#promotedBy.hidden = !model.promotes;
    this.#histograms.promotionMs.element.hidden = !model.promotes;
    this.#histograms.queueMs.title =
      model.strategy.queue === null ? QUEUE_WAIT : `Wait in the ${model.strategy.queue}`;
    this.#transitions.replaceChildren();
    this.#counters.replaceChildren();
  }

  get thread(): number {
    return this.#thread;
  }

  open(thread: number): void {
    this.#thread = thread;
    this.#detail = null;
    setText(this.#title, this.#model.title(thread));
    this.#panel.hidden = false;
    document.body.classList.add('with-detail');
    for (const view of Object.values(this.#histograms)) view.show([]);
    this.#transitions.replaceChildren();
    this.#title.focus({ preventScroll: true });
  }

  close(): void {
    this.#thread = -1;
    this.#panel.hidden = true;
    document.body.classList.remove('with-detail');
  }

  /** Takes the details of the thread from the server; while the page is paused they stay as they were. */
  take(detail: Detail): void {
    if (detail.thread !== this.#thread || (!this.#playback.live && this.#detail !== null)) return;
    this.#detail = detail;
    for (const name of ['responseMs', 'queueMs', 'promotionMs', 'loopDelayMs'] as const) {
      this.#histograms[name].show(detail[name]);
    }
  }

  show(moment: Moment, earlier: Moment | undefined): void {
    if (this.#thread < 0) return;
    const row = moment.frame.threads.find(({ id }) => id === this.#thread);
    if (row === undefined) return;
    const { at } = moment.frame;
    const state = capitalized(this.#model.word(row));
    const held = sinceOf(row) > 0 ? ` for ${duration(at - sinceOf(row))}` : '';
    const on = row.connection >= 0 ? ` · connection ${row.connection}` : '';
    const engaged = row.engaged ? ' · engaged' : '';
    setText(this.#now, `${state}${held}${engaged}${on}${row.route === '' ? '' : ` · ${row.route}`}`);
    this.#showShares(
      row,
      earlier?.frame.threads.find(({ id }) => id === this.#thread),
    );
    this.#showCounters(row);
    this.#showTransitions(at);
  }

  #showShares(row: ThreadRow, earlier: ThreadRow | undefined): void {
    const spent = row.timesMs.map((ms, index) => Math.max(0, ms - (earlier?.timesMs[index] ?? ms)));
    const total = spent.reduce((sum, ms) => sum + ms, 0);
    if (this.#shares.childElementCount === 0) {
      for (const state of STATES) {
        const part = make('span');
        part.dataset.state = state;
        this.#shares.append(part);
      }
    }
    const words: string[] = [];
    spent.forEach((ms, index) => {
      const share = total > 0 ? ms / total : 0;
      (this.#shares.children[index] as HTMLElement).style.width = `${share * 100}%`;
      if (share > 0) words.push(`${this.#model.letterOf(row.id, index)} ${percent(share)}`);
    });
    setText(this.#shareWords, words.reverse().join(' · ') || NOTHING);
  }

  #showCounters(row: ThreadRow): void {
    const names = Object.keys(row.counters).filter((name) => this.#model.promotes || !OF_LEADERS.has(name));
    if (this.#counters.childElementCount !== names.length) {
      this.#counters.replaceChildren(
        ...names.map((name) => make('div', '', make('dt', '', this.#counterName(name)), make('dd'))),
      );
    }
    names.forEach((name, index) => {
      setText(this.#counters.children[index]!.lastElementChild!, count(row.counters[name]));
    });
  }

  #counterName(name: string): string {
    return (this.#model.promotes ? undefined : NAMES_WITHOUT_LEADER[name]) ?? COUNTER_NAMES[name] ?? name;
  }

  #showTransitions(at: number): void {
    const live = this.#playback.live && this.#detail !== null;
    const all = live ? this.#detail!.transitions : this.#history.changesOf(this.#thread, at, MAX_ROWS + 1);
    const rows = all.slice(-MAX_ROWS - 1);
    setText(
      this.#transitionsNote,
      rows.length === 0
        ? 'None is known of this time: it did not change, or changed too fast to be kept.'
        : 'The newest first.',
    );
    const newestFirst: { change: TransitionTuple; before: TransitionTuple | undefined }[] = [];
    for (let index = rows.length - 1; index >= 0 && newestFirst.length < MAX_ROWS; index--) {
      newestFirst.push({ change: rows[index]!, before: rows[index - 1] });
    }
    while (this.#transitions.rows.length > newestFirst.length) this.#transitions.deleteRow(-1);
    newestFirst.forEach(({ change, before }, index) => {
      const cells = (this.#transitions.rows[index] ?? this.#addRow()).cells;
      const [, from, to, time, promoter] = change;
      setText(cells[0]!, clockWithMillis(time));
      const badges = cells[1]!.querySelectorAll('.badge');
      for (const [place, state] of [from, to].entries()) {
        setAttribute(badges[place]!, 'data-state', STATES[state] ?? 'none');
        setText(badges[place]!, this.#model.letterOf(this.#thread, state));
      }
      setText(cells[2]!, before === undefined ? NOTHING : duration(time - before[3]));
      setText(cells[3]!, to === LEADER && promoter >= 0 ? `thread ${promoter}` : '');
    });
  }

  #addRow(): HTMLTableRowElement {
    const change = make('td', '', make('span', 'badge'), ' → ', make('span', 'badge'));
    const row = make('tr', '', make('td', 'number'), change, make('td', 'number'), make('td'));
    this.#transitions.append(row);
    return row;
  }
}
