/**
 * Records what the dashboard's page shows, frame by frame, and checks it against the frames that a client of the same websocket
 * has received: the words of the headline, the warnings, the lanes, the table, and the metrics that were read meanwhile.
 */
import * as assert from 'uvu/assert';
import { count, duration, NOTHING, percentParts } from '../../../lib/dashboard/page/format.js';
import { History } from '../../../lib/dashboard/page/history.js';
import { Model } from '../../../lib/dashboard/page/model.js';
import type { Moment } from '../../../lib/dashboard/page/moment.js';
import { stateNumber } from '../../../lib/dashboard/page/states.js';
import { sinceOf } from '../../../lib/dashboard/page/thread-rows.js';
import {
  type Frame,
  type HealthLevel,
  type Hello,
  STATES,
  type ThreadRow,
} from '../../../lib/dashboard/protocol.js';
import { HEALTH_LEVELS } from '../../../lib/observe/verdict.js';
import { WATCHDOG_MS } from '../server/wait.js';
import type { BrowserSession } from './browser-session.js';
import { parseMetrics } from './prometheus.js';
import type { DashboardClient } from './test-dashboard.js';

/** What the page says of one frame. */
interface Words {
  readonly seq: number;
  readonly level: string;
  readonly verdict: string;
  readonly leader: string;
  readonly free: string;
  readonly waiting: string;
  readonly errors: string;
  readonly warnings: readonly string[];
  /** The letters beside the lanes. */
  readonly letters: readonly string[];
  /** Of each row of the table: thread, letter, time, route. */
  readonly rows: readonly (readonly string[])[];
}

/** What the lanes are drawn as at their right end, which is the time of the frame: a state for each, '' for an empty one. */
interface Drawn extends Words {
  readonly drawn: readonly string[];
}

interface Scrape {
  /** When the threads were read for it, by `clockOf`. */
  readonly clockMs: number;
  readonly level: HealthLevel;
  readonly free: number;
  readonly waiting: number;
}

/** The times of threads are rounded in frames. */
const ROUNDED_MS = 0.01;
/** A state that is younger than this is narrower than what can be read at the end of a lane. */
const DRAWN_MS = 8;

const READERS = `
  const byId = (id) => document.getElementById(id);
  const texts = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);
  // The page keeps numbers and their units on one line.
  const spaced = (text) => text.replace(/\\u202f/g, ' ');
  window.readWords = () => ({
    seq: Number(document.body.dataset.seq),
    level: byId('verdict').dataset.level,
    verdict: spaced(byId('verdict-level').textContent + ' ' + byId('verdict-why').textContent),
    leader: byId('lead-who').textContent,
    free: byId('fig-free').textContent,
    waiting: byId('fig-waiting').textContent,
    errors: byId('fig-errors').textContent,
    warnings: texts('#warnings strong').map(spaced),
    letters: texts('#lane-names .badge'),
    rows: [...document.querySelectorAll('#threads-body tr')].map(({ cells }) =>
      [cells[0].textContent, cells[1].querySelector('.badge').textContent, cells[2].textContent, cells[0].parentElement.querySelector('.route').textContent]),
  });
  window.shownWords = [];
  new MutationObserver(() => shownWords.push(readWords())).observe(document.body, { attributeFilter: ['data-seq'] });
  const style = getComputedStyle(document.documentElement);
  const colours = ['dead', 'starting', 'follower', 'leader', 'processing'].map((state) => {
    const colour = style.getPropertyValue('--' + state).trim();
    return [state, [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))];
  });
  const card = [255, 255, 255];
  // The colour of a processing thread is hatched.
  const hatched = colours.find(([state]) => state === 'processing')[1].map((value, at) => value * 0.76 + [60, 36, 0][at] * 0.24);
  const near = (pixel) => [['', card], ['processing', hatched], ...colours]
    .map(([state, colour]) => [state, Math.hypot(...colour.map((value, at) => value - pixel[at]))])
    .sort((one, other) => one[1] - other[1])[0][0];
  window.readLanes = () => {
    const canvas = byId('lanes-canvas');
    const density = devicePixelRatio;
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext('2d', { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    // The strip of the riders, and the line that separates it from the lanes.
    const end = canvas.width - Math.round(62 * density) - 2;
    // Of the hatch of a dead thread only the lines are painted; one of them crosses this width.
    const width = Math.round(8 * density);
    return [...document.querySelectorAll('#lane-names button')].map((button, lane) => {
      const height = button.offsetHeight * density;
      // A follower is a line at the bottom of its lane; the others are as high as it, with a gap of 5 pixels.
      const { data } = context.getImageData(end - width, Math.round((lane + 1) * height - 7 * density), width, 1);
      for (let at = data.length - 4; at >= 0; at -= 4)
        if (data[at + 3] > 128) return near(data.subarray(at, at + 3));
      return '';
    });
  };
  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const press = (key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  window.stepThrough = async (last) => {
    const steps = [];
    press('Home');
    for (;;) {
      await nextFrame();
      steps.push({ ...readWords(), drawn: readLanes() });
      if (steps.at(-1).seq >= last) return steps;
      press('ArrowRight');
    }
  };
`;

export class WatchedPage {
  readonly #session: BrowserSession;
  readonly #client: DashboardClient;
  readonly #scrapes: Scrape[] = [];
  readonly #metricsUrl: string;

  private constructor(session: BrowserSession, client: DashboardClient, origin: string) {
    this.#session = session;
    this.#client = client;
    this.#metricsUrl = `${origin}/metrics`;
  }

  /** @param client one that has received frames since before the page was opened */
  static async watch(session: BrowserSession, client: DashboardClient, origin: string): Promise<WatchedPage> {
    await session.is(`{${READERS}}`);
    await session.page.selectOption('#window', '500');
    return new WatchedPage(session, client, origin);
  }

  /** Resolves once the page has this verdict; reads the metrics meanwhile. */
  async until(level: HealthLevel, text: RegExp): Promise<void> {
    const endMs = performance.now() + WATCHDOG_MS;
    for (;;) {
      await this.#scrape();
      const now = await this.#session.is<Words>('readWords()');
      if (now.level === level && text.test(now.verdict)) return;
      if (performance.now() > endMs) throw new Error(`the verdict is not ${text}, but ${now.verdict}`);
    }
  }

  async #scrape(): Promise<void> {
    const metrics = parseMetrics(await (await fetch(this.#metricsUrl)).text());
    const numberOf = (name: string): number => metrics.get(name)!.samples[0]!.value;
    const levels = metrics.get('paceline_health')!.samples.filter(({ value }) => value === 1);
    assert.is(levels.length, 1, 'the metrics have one level');
    const seconds = metrics.get('paceline_thread_seconds_total')!.samples;
    const ofFirst = seconds.filter(({ labels }) => labels.thread === '0').map(({ value }) => value);
    this.#scrapes.push({
      clockMs: 1000 * sum(ofFirst),
      level: levels[0]!.labels.level as HealthLevel,
      free: numberOf('paceline_threads_free'),
      waiting: numberOf('paceline_requests_waiting'),
    });
  }

  /** Checks every frame that came until now: what was shown of it, if it was, and what is shown when the page goes back to it. */
  async check(): Promise<void> {
    const last = this.#client.frames.at(-1)!.seq;
    const shown = await this.#session.is<Words[]>('shownWords');
    assert.ok(shown.length > 0);
    await this.#session.page.click('#pause');
    const steps = await this.#session.is<Drawn[]>(`stepThrough(${last})`);
    const frames = new Map(this.#client.frames.map((frame) => [frame.seq, frame]));
    const { hello } = this.#client;
    // What the page knows of each lane: it has had the frames from the first on that it goes back to.
    const history = new History();
    history.begin({ ...hello, transitions: [], marks: [] });
    for (const frame of this.#client.frames) if (frame.seq >= steps[0]!.seq) history.add(frame);
    for (const words of shown) checkWords(words, frames.get(words.seq)!, hello);
    for (const words of steps) {
      const frame = frames.get(words.seq)!;
      checkWords(words, frame, hello);
      this.#checkLanes(words, history.at(frame.at)!);
    }
    const seqs = steps.map(({ seq }) => seq);
    assert.equal(
      seqs,
      Array.from({ length: seqs.length }, (_, index) => seqs[0]! + index),
      'no frame is left out',
    );
    for (const scrape of this.#scrapes) this.#checkScrape(scrape);
    await this.#session.page.click('#paused-live');
  }

  /**
   * The deaths, promotions and hand-overs that are drawn over the lanes' ends hide what is below them. Behind a gap between frames a lane is
   * drawn as shares of the time in each state, unless its thread has been in one state since before.
   */
  #checkLanes({ drawn }: Drawn, { frame, from, exact }: Moment): void {
    const covered = this.#client.frames.some(({ transitions, deaths }) =>
      [
        ...transitions.filter(([, , to]) => to === 3).map(([, , , at]) => at),
        ...deaths.map(({ at }) => at),
      ].some((at) => Math.abs(frame.at - at) < DRAWN_MS),
    );
    if (covered) return;
    frame.threads.forEach((row, lane) => {
      if (frame.at - row.since < DRAWN_MS || row.missed > 0 || !this.#isTold(row, frame)) return;
      if (!exact[lane] && row.since > from) return;
      assert.is(drawn[lane], row.state, `frame ${frame.seq}, lane of thread ${row.id}`);
    });
  }

  /** Whether a row's state has come as a transition, too: a thread may be preempted between writing the one and the other. */
  #isTold({ id, state, since }: ThreadRow, { seq }: Frame): boolean {
    const frames = this.#client.frames.filter((frame) => frame.seq <= seq);
    return (
      since <= frames[0]!.at ||
      frames.some(({ transitions }) =>
        transitions.some(
          ([thread, , to, at]) => thread === id && STATES[to] === state && Math.abs(at - since) < 0.01,
        ),
      )
    );
  }

  /** Compares with the frames just before and after, if nothing has happened between them: what grows with time alone lies between theirs. */
  #checkScrape({ clockMs, level, free, waiting }: Scrape): void {
    const { frames } = this.#client;
    const before = frames.findLast((frame) => clockOf(frame) <= clockMs + ROUNDED_MS);
    const after = frames.find((frame) => clockOf(frame) >= clockMs - ROUNDED_MS);
    if (before === undefined || after === undefined || doings(before) !== doings(after)) return;
    const isBetween = (value: number, read: (frame: Frame) => number): boolean => {
      const ends = [read(before), read(after)];
      return value >= Math.min(...ends) && value <= Math.max(...ends);
    };
    const agrees =
      isBetween(HEALTH_LEVELS.indexOf(level), ({ verdict }) => HEALTH_LEVELS.indexOf(verdict.level)) &&
      isBetween(free, (frame) => frame.free) &&
      isBetween(waiting, (frame) => frame.waiting);
    assert.ok(agrees, `metrics near frame ${after.seq}: ${level}, ${free} free, ${waiting} waiting`);
  }
}

/** The time since the first thread began: frames and metrics have it in common. */
const clockOf = ({ threads }: Frame): number => sum(threads[0]!.timesMs);

/** All that threads have done. */
const doings = ({ threads }: Frame): string =>
  JSON.stringify(threads.map(({ state, since, counters }) => [state, since, counters]));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Checks the page's words against the frame that they are of. */
function checkWords({ seq, ...words }: Words, frame: Frame, hello: Hello): void {
  const { verdict, threads, at } = frame;
  const model = new Model(hello);
  const letter = ({ id, state }: ThreadRow): string => model.letterOf(id, stateNumber(state));
  assert.equal(
    pick(words),
    {
      level: verdict.level,
      verdict: verdict.text,
      leader: leaderWords(frame, hello),
      free: `${frame.free}of ${frame.handlers}`,
      waiting: count(frame.waiting),
      errors: percentParts(frame.errorRate).join(''),
      warnings: frame.warnings.map(({ what }) => what),
      letters: threads.map(letter),
      rows: threads.map((row) => [
        model.title(row.id),
        letter(row),
        sinceOf(row) > 0 ? duration(at - sinceOf(row)) : NOTHING,
        row.route || NOTHING,
      ]),
    },
    `frame ${seq}`,
  );
}

function leaderWords({ leader, threads }: Frame, { strategy, roles, stateWords }: Hello): string {
  if (strategy.promotes) return leader.thread < 0 ? 'Nobody leads' : `Thread ${leader.thread} leads`;
  return `The ${roles[0]} is ${stateWords[roles[0]!]![stateNumber(threads[0]!.state)]}`;
}

const pick = ({
  level,
  verdict,
  leader,
  free,
  waiting,
  errors,
  warnings,
  letters,
  rows,
}: Omit<Words, 'seq'>) => ({
  level,
  verdict,
  leader,
  free,
  waiting,
  errors,
  warnings,
  letters,
  rows,
});
