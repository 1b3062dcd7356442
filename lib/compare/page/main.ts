/**
 * The comparison's page. Each model has a history and a playback of its own, as on its dashboard; one time is shown of all of them, so
 * that their lanes and answers stand above each other on one axis.
 *
 *   connection ──▶ model views (history, lanes, answers) ◀── the time shown: scrub bar, keys
 *       └────────▶ load controls, table of figures
 */
import { ServerClock } from '../../dashboard/page/clock.js';
import { Connection, type Status } from '../../dashboard/page/connection.js';
import { byId, make, reducedMotion, setText } from '../../dashboard/page/dom.js';
import { duration } from '../../dashboard/page/format.js';
import { listenForKeys } from '../../dashboard/page/keys.js';
import { ScrubBar } from '../../dashboard/page/scrub-bar.js';
import { StatusLine } from '../../dashboard/page/status-line.js';
import type { Mix } from '../mixes.js';
import {
  COMPARE_PROTOCOL,
  type CompareHello,
  type CompareMessage,
  type FiguresMessage,
  type SetLoad,
} from '../protocol.js';
import { isLate, marksOf, rowsOf, warningsOf } from '../rows.js';
import { FiguresTable } from './figures-table.js';
import { LoadControls } from './load-controls.js';
import { ModelView } from './model-view.js';
import { savePicture } from './picture.js';

/** How far the lanes lag behind the servers' clock, so that the next frame of each is there in time. */
const LAG_MS = 220;
const BETWEEN_WORDS_MS = 240;

/** All that belongs to one hello. */
interface Shown {
  readonly hello: CompareHello;
  readonly views: readonly ModelView[];
  readonly table: FiguresTable;
  readonly scrubBar: ScrubBar;
}

const connection = new Connection<CompareMessage, SetLoad>(showStatus, receive, {
  protocol: COMPARE_PROTOCOL,
  probe: '/token',
  whyStopped: (reason) => `The comparison has ended: ${reason}.`,
});
const statusLine = new StatusLine();
const controls = new LoadControls((change) => connection.send({ type: 'load', ...change }));
const clock = new ServerClock();
const windowSelect = byId<HTMLSelectElement>('window');
const help = byId<HTMLDialogElement>('help');

let status: Status = { kind: 'connecting' };
let shown: Shown | null = null;
let mix: Mix | null = null;
let figures: FiguresMessage | null = null;
let drawing = false;
let wordsAt = 0;

function showStatus(now: Status): void {
  status = now;
  statusLine.show(now);
  document.body.dataset.connection = now.kind;
  if (now.kind === 'live') drawSoon();
}

function receive(message: CompareMessage): void {
  switch (message.type) {
    case 'hello':
      begin(message);
      return;
    case 'server':
      shown?.views[message.server]?.take(message.message);
      if (message.message.type === 'frame') {
        clock.note(message.message.at, performance.now());
        framed();
      }
      return;
    case 'answers':
      shown?.views.forEach((view, index) => {
        if (mix !== null) view.addAnswers(message.answers[index] ?? [], mix);
      });
      return;
    case 'figures':
      showFigures(message);
  }
}

/** Later ones, of the same comparison, come when the page has reconnected. */
function begin(hello: CompareHello): void {
  clock.forget();
  if (shown !== null) return;
  const views = hello.models.map((model) => new ModelView(model, () => help.showModal(), drawSoon));
  byId('models').append(...views.map(({ section }) => section));
  const [{ history, playback }] = views as [ModelView, ...ModelView[]];
  const scrubBar = new ScrubBar(history, playback, moved);
  shown = { hello, views, table: new FiguresTable(byId('figures'), hello.models), scrubBar };
  controls.introduce(hello);
  const titles = hello.models.map(({ title }) => title).join(' | ');
  setText(byId('title'), titles);
  document.title = `${titles} · Paceline`;
  const facts = [`Node.js ${hello.node.replace(/^v/, '')}`, `${hello.cores} cores`, hello.processor];
  byId('meta').replaceChildren(
    make('strong', 'fact', hello.app),
    ...facts.flatMap((fact) => [make('wbr'), make('span', 'fact', fact)]),
  );
  setWindow();
}

/** A frame has come, of any server. */
function framed(): void {
  if (shown === null || shown.views.some(({ history }) => history.empty)) return;
  shown.scrubBar.show();
  if (!shown.views[0]!.playback.live) return;
  for (const { lanes } of shown.views) lanes.invalidate();
  if (performance.now() - wordsAt >= BETWEEN_WORDS_MS) showWords();
  drawSoon();
}

function showWords(): void {
  wordsAt = performance.now();
  for (const view of shown?.views ?? []) view.showWords();
}

function showFigures(message: FiguresMessage): void {
  if (shown === null) return;
  figures = message;
  mix = shown.hello.mixes.find(({ name }) => name === message.load.mix)!;
  controls.show(mix, message);
  shown.table.show(mix, message);
  setText(byId('over'), overOf(message));
  const row = rowsOf(mix)[1]!;
  const values = message.figures.map((one) => one && row.valueOf(one));
  const marks = marksOf(row, values, message.ownLate);
  shown.views.forEach((view, index) => {
    view.showMix(mix!);
    view.showFigure(mix!.kinds[0].name, message.figures[index] ?? null, marks[index]!, isLate(message));
    view.showEnded(message.figures[index] === null);
  });
}

/** Which time the figures are of. */
function overOf({ load, overMs }: FiguresMessage): string {
  if (overMs > 0)
    return load.running ? `the last ${duration(overMs)}` : `${duration(overMs)}, until it was stopped`;
  return load.running ? 'measuring …' : 'no load is sent';
}

/** Another time is selected, in the first model's playback: the others follow. */
function moved(): void {
  if (shown === null) return;
  const [first, ...others] = shown.views;
  const { live, at } = first!.playback;
  for (const { playback } of others) {
    if (live) playback.toLive();
    else playback.scrubTo(at);
  }
  for (const { lanes } of shown.views) lanes.invalidate();
  shown.scrubBar.show();
  showWords();
  drawSoon();
}

/** Draws in the next animation frame, and in each following one while the page is live. */
function drawSoon(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (shown === null || shown.views.some(({ history }) => history.empty)) return;
    const right = end(shown.views);
    for (const view of shown.views) view.draw(right);
    if (shown.views[0]!.playback.live && status.kind === 'live' && !reducedMotion.matches) drawSoon();
  });
}

/** The time at which all lanes end: paused, the selected one; live, a little behind the servers' clock. */
function end(views: readonly ModelView[]): number {
  const { playback } = views[0]!;
  if (!playback.live || reducedMotion.matches) return playback.at;
  const newest = Math.max(...views.map(({ history }) => history.newestAt));
  return Math.min(newest, clock.at(performance.now()) - LAG_MS);
}

function setWindow(): void {
  for (const { lanes } of shown?.views ?? []) lanes.windowMs = Number(windowSelect.value);
  drawSoon();
}

function zoom(closer: boolean): void {
  const index = windowSelect.selectedIndex + (closer ? -1 : 1);
  if (index < 0 || index >= windowSelect.length) return;
  windowSelect.selectedIndex = index;
  setWindow();
}

function picture(): void {
  if (shown === null || mix === null || figures === null) return;
  const { app, cores } = shown.hello;
  const { rate, turns } = figures.load;
  const titles = shown.views.map(({ model }) => model.title).join(' | ');
  const how = turns ? 'one after the other' : 'at the same moments';
  const notes = [`paceline compare: the same requests, ${how}, on one machine`, ...warningsOf(figures)];
  savePicture(
    [titles, `${app}: ${mix.title}, ${rate} requests per second to each, ${cores} cores`, ...notes],
    shown.views,
  );
  setText(byId('picture-text'), 'Saved as a PNG file.');
}

/** Moves the first model's playback; the others follow. */
function move(step: (view: ModelView) => void): void {
  const [first] = shown?.views ?? [];
  if (first === undefined) return;
  step(first);
  moved();
}

listenForKeys({
  pause: () =>
    move(({ playback }) => {
      if (playback.live) playback.pause();
      else playback.toLive();
    }),
  step: (frames) => move(({ playback }) => playback.step(frames)),
  skip: (ms) => move(({ playback }) => playback.scrubTo(playback.at + ms)),
  oldest: () => move(({ playback, history }) => playback.scrubTo(history.oldestAt)),
  live: () => move(({ playback }) => playback.toLive()),
  zoom,
  select: () => false,
  find: () => {},
  fold: () => {},
  close: () => {},
  trace: () => {},
  snapshot: picture,
  help: () => help.showModal(),
});

byId('explain').addEventListener('click', () => help.showModal());
byId('picture').addEventListener('click', picture);
windowSelect.addEventListener('change', setWindow);
// A URL that differs only in its fragment does not reload the page.
window.addEventListener('hashchange', () => connection.open(location.hash.slice(1)));
connection.open(location.hash.slice(1));
