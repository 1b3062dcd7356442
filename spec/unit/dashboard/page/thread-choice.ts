/** Which threads the lanes and the table show. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRanges, ThreadChoice } from '../../../../lib/dashboard/page/thread-choice.js';
import { TypedNumber } from '../../../../lib/dashboard/page/typed-number.js';
import type { ThreadRow } from '../../../../lib/dashboard/protocol.js';
import { row } from '../../../support/dashboard/frames.js';
import { range } from '../../../support/server/wait.js';

const NOW = 1_700_000_000_000;
const LONG_AGO = NOW - 60_000;

/** Threads that have been followers for a minute, with the changes that a spec makes. */
const idle = (count: number, changed: Readonly<Record<number, Partial<ThreadRow>>> = {}): ThreadRow[] =>
  range(count).map((id) => row(id, { since: LONG_AGO, ...changed[id] }));

test('a few threads are all shown', () => {
  assert.equal(new ThreadChoice().of(idle(8), NOW, -1), { shown: range(8), idle: [] });
});

test('of many threads the idle ones are folded; busy, dead, engaged and selected ones are not', () => {
  const threads = idle(64, {
    3: { state: 'processing', connection: 40 },
    4: { state: 'processing' },
    5: { state: 'dead' },
    7: { engaged: true },
    60: { state: 'leader' },
  });
  const choice = new ThreadChoice();
  const { shown, idle: folded } = choice.of(threads, NOW, 40);
  assert.equal(shown, [3, 5, 7, 40, 60]);
  assert.is(folded.length, 59);
  choice.folding = false;
  assert.equal(choice.of(threads, NOW, 40), { shown: range(64), idle: folded });
});

test('a thread that has answered a request stays for some seconds, also if it was not seen at that', () => {
  const choice = new ThreadChoice();
  const shownAt = (at: number, requests: number): readonly number[] =>
    choice.of(idle(64, { 9: { counters: { requests } } }), at, -1).shown;
  assert.equal(shownAt(NOW, 5), [], 'of the time before the page nothing is known');
  assert.equal(shownAt(NOW + 100, 6), [9]);
  assert.equal(shownAt(NOW + 9000, 6), [9]);
  assert.equal(shownAt(NOW + 11_000, 6), []);
});

test('a search for numbers and ranges shows those threads, idle or not', () => {
  const choice = new ThreadChoice();
  choice.search(' 3, 10-12 63 ');
  assert.equal(choice.of(idle(64), NOW, -1), { shown: [3, 10, 11, 12, 63], idle: [] });
  choice.search('99');
  assert.equal(choice.of(idle(64), NOW, -1).shown, []);
});

test('a search for a route or a state keeps what has matched for some seconds', () => {
  const choice = new ThreadChoice();
  const busy = idle(64, { 4: { state: 'processing', route: 'GET /Render' } });
  choice.search('/render');
  assert.equal(choice.of(busy, NOW, -1).shown, [4]);
  assert.equal(choice.of(idle(64), NOW + 1000, -1).shown, [4]);
  assert.equal(choice.of(idle(64), NOW + 9000, -1).shown, []);
  assert.equal(choice.of(idle(64), NOW - 9000, -1).shown, [], 'going back in time');
  choice.search('proc');
  assert.equal(choice.of(busy, NOW, -1).shown, [4]);
});

test('numbers are told as ranges', () => {
  assert.is(inRanges([0, 1, 2, 3, 7, 9, 10]), '0–3, 7, 9–10');
  assert.is(inRanges([]), '');
});

test('digits that follow each other are one number, as long as there is such a thread', () => {
  const selected: number[] = [];
  const typed = new TypedNumber((number) => {
    if (number < 64) selected.push(number);
    return number < 64;
  });
  const keys: [string, number][] = [
    ['4', 0],
    ['2', 300],
    ['7', 400],
    ['1', 9000],
    ['2', 9100],
  ];
  for (const [key, at] of keys) assert.ok(typed.type(key, at));
  assert.equal(selected, [4, 42, 7, 1, 12]);
  assert.not(typed.type('f', 9200));
  typed.type('3', 9300);
  assert.is(selected.at(-1), 3, 'another key ends the number');
});

test.run();
