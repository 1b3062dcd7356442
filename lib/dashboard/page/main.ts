/**
 * The dashboard's page. Messages from the websocket go into the history, playback selects the moment to show, and all views
 * show that moment:
 *
 *   connection ──▶ history ──▶ playback ──▶ lanes, headline, tables of threads and routes,
 *                                  ▲                  gauges, traffic, warnings, charts, detail
 *                         scrub bar, keys
 *
 * The lanes are drawn at the screen's frame rate, the text a few times a second, so that it can be read. All text is of one frame,
 * whose number the body's data-seq is.
 */
import type { ServerMessage } from '../protocol.js';
import { Charts } from './charts.js';
import { ChoiceView } from './choice-view.js';
import { ServerClock } from './clock.js';
import { Connection, type Status } from './connection.js';
import { DetailPanel } from './detail.js';
import { byId, reducedMotion } from './dom.js';
import { Gauges } from './gauges.js';
import { Headline } from './headline.js';
import { History } from './history.js';
import { listenForKeys } from './keys.js';
import { Lanes } from './lanes.js';
import { LoadButtons } from './load-buttons.js';
import { Model } from './model.js';
import { showModel } from './model-line.js';
import type { Moment } from './moment.js';
import { Playback } from './playback.js';
import { RouteTable } from './route-table.js';
import { ScrubBar } from './scrub-bar.js';
import { saveSnapshot } from './snapshot.js';
import { StatusLine } from './status-line.js';
import { Tab } from './tab.js';
import { ThreadChoice } from './thread-choice.js';
import { ThreadTable } from './thread-table.js';
import { TraceDownload } from './trace-download.js';
import { Traffic } from './traffic.js';
import { Warnings } from './warnings.js';

/** Text that changes more often than this cannot be read. */
const BETWEEN_WORDS_MS = 240;
const BETWEEN_DESCRIPTIONS_MS = 1000;
/** How far beyond one interval the lanes lag behind the server's clock, so that the next frame is there in time. */
const SPARE_MS = 60;
/** The table's rates are computed over this time. */
const RATE_MS = 1000;

const history = new History();
const playback = new Playback(history);
const clock = new ServerClock();
const statusLine = new StatusLine();
const headline = new Headline();
const gauges = new Gauges(byId('gauges'));
const traffic = new Traffic(byId('traffic'));
const warnings = new Warnings(byId('warnings'));
const windowSelect = byId<HTMLSelectElement>('window');

let status: Status = { kind: 'connecting' };
let intervalMs = 200;
let wordsAt = 0;
let describedAt = 0;
let chartedPoint = 0;
/** The moment that the text and the riders show. */
let shown: Moment | undefined;
let drawing = false;
/** The element that had the focus before the detail panel opened. */
let opener: Element | null = null;

const connection = new Connection(showStatus, receive);
const place = {
  lanes: byId('lanes'),
  names: byId('lane-names'),
  canvas: byId<HTMLCanvasElement>('lanes-canvas'),
  note: byId('lanes-note'),
  legend: byId('legend'),
};
const lanes = new Lanes(place, history, (thread) => toggle(thread), drawSoon);
const choice = new ThreadChoice();
const choiceView = new ChoiceView(choice, chosen);
const tab = new Tab();
const table = new ThreadTable(byId('threads-head'), byId('threads-body'), toggle, showWords);
const routes = new RouteTable();
const charts = new Charts(history, playback);
const scrubBar = new ScrubBar(history, playback, moved);
const detail = new DetailPanel(history, playback, closeDetail);
const trace = new TraceDownload(() => connection.token);
const loadButtons = new LoadButtons(byId('load'), (kind, on) => connection.send({ type: 'load', kind, on }));
const help = byId<HTMLDialogElement>('help');

function showStatus(now: Status): void {
  status = now;
  statusLine.show(now);
  document.body.dataset.connection = now.kind;
  headline.stale = now.kind === 'lost' || now.kind === 'refused';
  if (now.kind === 'lost' || now.kind === 'refused') tab.show('lost');
  if (now.kind === 'live') drawSoon();
}

function receive(message: ServerMessage): void {
  switch (message.type) {
    case 'hello': {
      intervalMs = message.intervalMs;
      clock.forget();
      const anew = history.begin(message);
      if (anew) {
        playback.toLive();
        shown = undefined;
        if (detail.thread >= message.threads) closeDetail();
        introduce(new Model(message));
      }
      statusLine.introduce(message, anew);
      tab.introduce(message);
      loadButtons.offer(message.load);
      if (detail.thread >= 0) connection.send({ type: 'watch', thread: detail.thread });
      charts.show();
      return;
    }
    case 'frame':
      history.add(message);
      clock.note(message.at, performance.now());
      loadButtons.show(message.load, message.at);
      tab.show(message.verdict.level);
      scrubBar.show();
      if (playback.live) {
        lanes.invalidate();
        const anotherLevel = message.verdict.level !== shown?.frame.verdict.level;
        if (anotherLevel || performance.now() - wordsAt >= BETWEEN_WORDS_MS - intervalMs / 2) showWords();
        drawSoon();
      }
      return;
    case 'detail':
      detail.take(message);
  }
}

/** Prepares all views for the threads of another server. */
function introduce(model: Model): void {
  choice.model = model;
  for (const view of [headline, lanes, table, routes, gauges, traffic, charts, detail]) view.introduce(model);
  showModel(model);
}

/** Shows the moment that playback selects in all views except the lanes. */
function showWords(): void {
  const moment = playback.moment;
  if (moment === undefined) return;
  shown = moment;
  wordsAt = performance.now();
  const earlier = history.at(moment.frame.at - RATE_MS);
  const known = earlier === moment ? undefined : earlier;
  const { threads, at } = moment.frame;
  const chosen = choice.of(threads, at, detail.thread);
  headline.show(moment);
  choiceView.show(chosen, threads.length);
  table.show(moment, chosen.shown, known, detail.thread);
  routes.show(moment);
  lanes.showNames(moment, chosen.shown, detail.thread);
  gauges.show(moment);
  traffic.show(moment);
  warnings.show(moment);
  detail.show(moment, known);
  document.body.dataset.seq = String(moment.frame.seq);
  if (wordsAt - describedAt >= BETWEEN_DESCRIPTIONS_MS || !playback.live) {
    describedAt = wordsAt;
    lanes.describe(moment);
  }
  const newestPoint = history.points.at(-1)?.at ?? 0;
  if (newestPoint !== chartedPoint || !playback.live) {
    chartedPoint = newestPoint;
    charts.show();
  }
}

/** To be called when the threads shown are chosen in another way. */
function chosen(): void {
  showWords();
  drawSoon();
}

/** To be called when another moment is selected. */
function moved(): void {
  lanes.invalidate();
  scrubBar.show();
  showWords();
  charts.show();
  drawSoon();
}

/** Draws the lanes in the next animation frame, and in each following one while the page is live. */
function drawSoon(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    lanes.draw(lanesEnd(), shown);
    if (playback.live && status.kind === 'live' && !reducedMotion.matches && !history.empty) drawSoon();
  });
}

/** The time at which the lanes end: paused, that of the moment; live, a little behind the server's clock. */
function lanesEnd(): number {
  if (!playback.live || reducedMotion.matches) return playback.at;
  if (history.empty) return 0;
  return Math.min(history.newestAt, clock.at(performance.now()) - intervalMs - SPARE_MS);
}

function toggle(thread: number): void {
  if (thread === detail.thread) closeDetail();
  else openDetail(thread);
}

/** @returns whether there is such a thread */
function openDetail(thread: number): boolean {
  if (!playback.moment?.frame.threads.some(({ id }) => id === thread)) return false;
  if (detail.thread < 0) opener = document.activeElement;
  detail.open(thread);
  connection.send({ type: 'watch', thread });
  showWords();
  return true;
}

function closeDetail(): void {
  const { thread } = detail;
  if (thread < 0) return;
  detail.close();
  connection.send({ type: 'watch', thread: -1 });
  showWords();
  if (opener instanceof HTMLElement && opener !== document.body && opener.isConnected) opener.focus();
  else table.focus(thread);
}

function zoom(closer: boolean): void {
  const index = windowSelect.selectedIndex + (closer ? -1 : 1);
  if (index < 0 || index >= windowSelect.length) return;
  windowSelect.selectedIndex = index;
  setWindow();
}

function setWindow(): void {
  lanes.windowMs = Number(windowSelect.value);
  drawSoon();
}

function snapshot(): void {
  const moment = playback.moment;
  if (moment === undefined) return;
  lanes.describe(moment);
  lanes.draw(lanesEnd(), moment);
  saveSnapshot(
    moment.frame.at,
    { title: 'Lanes', canvas: lanes.picture(), legend: byId('legend') },
    charts.pictures,
  );
}

listenForKeys({
  pause() {
    if (playback.live) playback.pause();
    else playback.toLive();
    moved();
  },
  step(frames) {
    playback.step(frames);
    moved();
  },
  skip(ms) {
    playback.scrubTo(playback.at + ms);
    moved();
  },
  oldest() {
    playback.scrubTo(history.oldestAt);
    moved();
  },
  live() {
    playback.toLive();
    moved();
  },
  zoom,
  select: openDetail,
  find: () => choiceView.focus(),
  fold: () => choiceView.toggle(),
  close: closeDetail,
  trace: () => void trace.start(),
  snapshot,
  help: () => help.showModal(),
});

byId('help-button').addEventListener('click', () => help.showModal());
byId('snapshot').addEventListener('click', snapshot);
windowSelect.addEventListener('change', setWindow);
// A URL that differs only in its fragment does not reload the page.
window.addEventListener('hashchange', () => connection.open(location.hash.slice(1)));
connection.open(location.hash.slice(1));
