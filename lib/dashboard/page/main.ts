/**
 * The dashboard's page. What comes over the websocket goes into the history; playback says which moment of it is shown; and
 * everything that shows something shows that moment:
 *
 *   connection ──▶ history ──▶ playback ──▶ lanes, headline, thread table, gauges, traffic, warnings, charts, detail
 *                                  ▲
 *                         scrub bar, keys
 *
 * The lanes are drawn at the screen's rate, the words a few times a second, so that they can be read.
 */
import type { ServerMessage } from '../protocol.js';
import { Charts } from './charts.js';
import { ServerClock } from './clock.js';
import { Connection, type Status } from './connection.js';
import { DetailPanel } from './detail.js';
import { byId, reducedMotion } from './dom.js';
import { Gauges } from './gauges.js';
import { Headline } from './headline.js';
import { History, type Moment } from './history.js';
import { listenForKeys } from './keys.js';
import { Lanes } from './lanes.js';
import { LoadButtons } from './load-buttons.js';
import { Playback } from './playback.js';
import { ScrubBar } from './scrub-bar.js';
import { saveSnapshot } from './snapshot.js';
import { StatusLine } from './status-line.js';
import { ThreadTable } from './thread-table.js';
import { TraceDownload } from './trace-download.js';
import { Traffic } from './traffic.js';
import { Warnings } from './warnings.js';

/** Words that change more often than this cannot be read. */
const BETWEEN_WORDS_MS = 240;
const BETWEEN_DESCRIPTIONS_MS = 1000;
/** How much later than the newest frame is due the lanes end, so that there is always something to scroll into. */
const SPARE_MS = 60;
/** Rates of the table are taken over this long. */
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
/** What the words and the riders show. */
let shown: Moment | undefined;
let drawing = false;
/** What had the focus before the detail panel opened. */
let opener: Element | null = null;

const connection = new Connection(showStatus, receive);
const lanes = new Lanes(history, (thread) => toggle(thread), drawSoon);
const table = new ThreadTable(byId('threads-head'), byId('threads-body'), toggle, showWords);
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
  if (now.kind === 'live') drawSoon();
}

function receive(message: ServerMessage): void {
  switch (message.type) {
    case 'hello': {
      intervalMs = message.intervalMs;
      clock.forget();
      if (history.begin(message)) {
        playback.toLive();
        shown = undefined;
        lanes.invalidate();
        if (detail.thread >= message.threads) closeDetail();
      }
      statusLine.introduce(message);
      loadButtons.offer(message.load);
      if (detail.thread >= 0) connection.send({ type: 'watch', thread: detail.thread });
      charts.show();
      return;
    }
    case 'frame':
      history.add(message);
      clock.note(message.at, performance.now());
      loadButtons.show(message.load, message.at);
      scrubBar.show();
      if (playback.live) {
        lanes.invalidate();
        if (performance.now() - wordsAt >= BETWEEN_WORDS_MS - intervalMs / 2) showWords();
        drawSoon();
      }
      return;
    case 'detail':
      detail.take(message);
  }
}

/** Everything in words and numbers, of the moment that playback says. */
function showWords(): void {
  const moment = playback.moment;
  if (moment === undefined) return;
  shown = moment;
  wordsAt = performance.now();
  const earlier = history.at(moment.frame.at - RATE_MS);
  const known = earlier === moment ? undefined : earlier;
  headline.show(moment);
  table.show(moment, known, detail.thread);
  lanes.showNames(moment, detail.thread);
  gauges.show(moment);
  traffic.show(moment);
  warnings.show(moment);
  detail.show(moment, known);
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

/** Another moment is shown than before. */
function moved(): void {
  lanes.invalidate();
  scrubBar.show();
  showWords();
  charts.show();
  drawSoon();
}

/** Draws the lanes at the screen's next chance, and goes on while time goes on. */
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

function openDetail(thread: number): void {
  if (!playback.moment?.frame.threads.some(({ id }) => id === thread)) return;
  if (detail.thread < 0) opener = document.activeElement;
  detail.open(thread);
  connection.send({ type: 'watch', thread });
  showWords();
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
  close: closeDetail,
  trace: () => void trace.start(),
  snapshot,
  help: () => help.showModal(),
});

byId('help-button').addEventListener('click', () => help.showModal());
byId('snapshot').addEventListener('click', snapshot);
windowSelect.addEventListener('change', setWindow);
// Another address of the same page is only another fragment, which loads nothing by itself.
window.addEventListener('hashchange', () => connection.open(location.hash.slice(1)));
connection.open(location.hash.slice(1));
