/** The figures of a window of reports. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Counted, drawn, FiguresWindow, type Reading } from '../../../lib/compare/figures.js';
import type { AnswerTuple } from '../../../lib/compare/load-messages.js';
import { DEMO_MIXES } from '../../../lib/compare/mixes.js';

const mix = DEMO_MIXES.find(({ name }) => name === 'blocking')!;
const LOAD = { mix, rate: 100, turns: false };
const [FAST, BLOCKING] = [0, 1];

interface Told {
  readonly epoch?: number;
  readonly answers?: readonly AnswerTuple[];
  readonly asked?: number;
  readonly ownLate?: number;
  readonly cpuUs?: number;
  readonly counted?: Counted | null;
}

function reading(
  elapsedMs: number,
  { epoch = 1, answers = [], asked = answers.length, ...rest }: Told = {},
): Reading {
  const { ownLate = 0, cpuUs = 0, counted = null } = rest;
  return {
    report: { epoch, elapsedMs, ownLate, servers: [{ asked, answers, failed: 0, out: 0, oldestMs: 0 }] },
    uses: [new Map([['7', { cpuUs, switches: cpuUs / 10 }]])],
    counted: [counted],
  };
}

const fast = (latencyMs: number, behind: 0 | 1 = 0): AnswerTuple => [0, latencyMs, FAST, behind];

test('without a report there are no figures', () => {
  const figures = new FiguresWindow(1000).of(0, LOAD);
  assert.equal(
    [figures.asked, figures.answered, figures.perSecond, figures.cpuUs, figures.behind],
    [0, 0, null, null, null],
  );
  assert.equal(figures.latencies, [null, null]);
});

test('percentiles are of each kind by itself, and of all reports but the first', () => {
  const window = new FiguresWindow(Number.POSITIVE_INFINITY);
  window.add(reading(250, { answers: [fast(999)] }));
  window.add(reading(500, { answers: Array.from({ length: 100 }, (_, index) => fast(index + 1)) }));
  window.add(reading(750, { answers: [[0, 20, BLOCKING, 0]] }));
  assert.equal(window.of(0, LOAD).latencies, [
    { p50: 50, p99: 99, max: 100, count: 100 },
    { p50: 20, p99: 20, max: 20, count: 1 },
  ]);
  assert.is(window.of(0, LOAD).perSecond, 202);
  assert.is(window.overMs, 500);
});

test('reports leave the window when they are too old, and when another load begins', () => {
  const window = new FiguresWindow(1000);
  for (let elapsedMs = 250; elapsedMs <= 5000; elapsedMs += 250)
    window.add(reading(elapsedMs, { answers: [fast(1)] }));
  assert.is(window.overMs, 1000);
  assert.is(window.of(0, LOAD).answered, 4);
  window.add(reading(250, { epoch: 2 }));
  assert.is(window.overMs, 0);
  assert.is(window.of(0, LOAD).answered, 0);
});

test('of the requests that hold no thread, those count as behind that were late beside one that does', () => {
  const window = new FiguresWindow(Number.POSITIVE_INFINITY);
  window.add(reading(0));
  // Late without cause, behind but not late, behind and late, and one that holds its thread itself.
  window.add(reading(250, { answers: [fast(30), fast(1, 1), fast(30, 1), fast(1), [0, 30, BLOCKING, 1]] }));
  assert.is(window.of(0, LOAD).behind, 0.25);
  const asyncMix = DEMO_MIXES.find(({ name }) => name === 'async')!;
  assert.is(window.of(0, { ...LOAD, mix: asyncMix }).behind, null);
});

test('CPU and context switches are for each answer, wake-ups for each request that the server counted', () => {
  const window = new FiguresWindow(Number.POSITIVE_INFINITY);
  const counted = { requests: 10, wakeUps: 5, waiting: 0, waitingPeak: 1, queueMs: null };
  window.add(reading(0, { cpuUs: 1000, counted }));
  window.add(
    reading(250, {
      cpuUs: 1600,
      answers: [fast(1), fast(1)],
      counted: { requests: 14, wakeUps: 7, waiting: 2, waitingPeak: 6, queueMs: 2 },
    }),
  );
  const { cpuUs, switches, wakeUps, waiting, waitingPeak, queueMs } = window.of(0, LOAD);
  assert.equal([cpuUs, switches, wakeUps, waiting, waitingPeak, queueMs], [300, 30, 0.5, 1, 6, 2]);
});

test('in turns answers per second are of the time in which the server was asked', () => {
  const window = new FiguresWindow(Number.POSITIVE_INFINITY);
  window.add(reading(0));
  window.add(reading(4000, { asked: 160, answers: Array.from({ length: 80 }, () => fast(1)) }));
  assert.is(window.of(0, { ...LOAD, turns: true }).perSecond, 50);
});

test('the share of requests that were sent late is of all servers together', () => {
  const window = new FiguresWindow(Number.POSITIVE_INFINITY);
  assert.is(window.ownLate, 0);
  window.add(reading(0, { asked: 100, ownLate: 100 }));
  window.add(reading(250, { asked: 40, ownLate: 10 }));
  assert.is(window.ownLate, 0.25);
});

test('of many answers a part is drawn, with those that took long', () => {
  const answers = Array.from({ length: 1000 }, (_, index) => fast(index % 100 === 99 ? 50 : 1));
  const server = { asked: 0, failed: 0, out: 0, oldestMs: 0 };
  const shown = drawn({ ...server, answers }, 100);
  assert.is(shown.filter(([, latencyMs]) => latencyMs === 50).length, 10);
  assert.ok(shown.length <= 200 && shown.length >= 100);
  assert.is(drawn({ ...server, answers }, 1000), answers);
});

test.run();
