/** The panel of one thread: its state, how it spends its time, its last transitions, its histograms. */
import type { Detail, ThreadRow, TransitionTuple } from '../protocol.js';
import { STATES } from '../protocol.js';
import { byId, make, setAttribute, setText } from './dom.js';
import { clockWithMillis, count, duration, NOTHING, percent } from './format.js';
import { HistogramView } from './histogram-view.js';
import type { History, Moment } from './history.js';
import type { Playback } from './playback.js';
import { LEADER, LETTERS, stateNumber, WORDS } from './states.js';

const MAX_ROWS = 40;

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
    queueMs: new HistogramView('Wait in the ready list'),
    promotionMs: new HistogramView('Promotion'),
    loopDelayMs: new HistogramView('Delay of its event loop'),
  };
  #detail: Detail | null = null;
  #thread = -1;

  constructor(history: History, playback: Playback, onClose: () => void) {
    this.#history = history;
    this.#playback = playback;
    byId('detail-close').addEventListener('click', onClose);
    const head = make(
      'tr',
      '',
      ...['At', 'Change', 'After', 'Promoted by'].map((name) => make('th', '', name)),
    );
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

  get thread(): number {
    return this.#thread;
  }

  open(thread: number): void {
    this.#thread = thread;
    this.#detail = null;
    setText(this.#title, `Thread ${thread}`);
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
    const state = WORDS[stateNumber(row.state)] ?? row.state;
    const held = row.since > 0 ? ` for ${duration(at - row.since)}` : '';
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
      if (share > 0) words.push(`${LETTERS[index]} ${percent(share)}`);
    });
    setText(this.#shareWords, words.reverse().join(' · ') || NOTHING);
  }

  #showCounters(row: ThreadRow): void {
    const names = Object.keys(row.counters);
    if (this.#counters.childElementCount !== names.length) {
      this.#counters.replaceChildren(
        ...names.map((name) => make('div', '', make('dt', '', COUNTER_NAMES[name] ?? name), make('dd'))),
      );
    }
    names.forEach((name, index) => {
      setText(this.#counters.children[index]!.lastElementChild!, count(row.counters[name]));
    });
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
        setText(badges[place]!, LETTERS[state] ?? '?');
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
