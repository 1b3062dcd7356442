/** The history that the page keeps, and how it shows earlier moments. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { History, KEEP_MS, MAX_CHANGES, MAX_POINTS } from '../../../../lib/dashboard/page/history.js';
import { Playback } from '../../../../lib/dashboard/page/playback.js';
import { FOLLOWER, LEADER, PROCESSING, UNKNOWN } from '../../../../lib/dashboard/page/states.js';
import type { MarkTuple, TransitionTuple } from '../../../../lib/dashboard/protocol.js';
import { frame, hello, INTERVAL_MS, point, row } from '../../../support/dashboard/frames.js';

const T = 1_700_000_000_000;

function filled(frames: number, history = new History()): History {
  history.begin(hello(T));
  for (let seq = 0; seq < frames; seq++) history.add(frame(seq, T + seq * INTERVAL_MS, [row(0), row(1)]));
  return history;
}

test('the moment of a time is the last frame that is not later', () => {
  const history = filled(10);
  assert.is(history.at(T)?.frame.seq, 0);
  assert.is(history.at(T + 250)?.frame.seq, 2);
  assert.is(history.at(T + 1e9)?.frame.seq, 9);
  assert.is(history.at(T - 1)?.frame.seq, 0, 'before the first, the first');
  assert.is(new History().at(T), undefined);
});

test('at least two minutes are kept, and no more than the bound', () => {
  const history = filled(3000);
  assert.is(history.newestAt, T + 2999 * INTERVAL_MS);
  const kept = history.newestAt - history.oldestAt;
  assert.ok(kept >= 120_000 && kept <= KEEP_MS, String(kept));
});

test('between returns every moment that covers any of the time', () => {
  const history = filled(10);
  const found = history.between(T + 250, T + 450).map(({ frame: { seq } }) => seq);
  assert.equal(found, [3, 4, 5]);
});

test('a restarted server clears the history; the same one continues it', () => {
  const history = filled(10);
  assert.not(history.begin(hello(T)));
  assert.not(history.empty);
  assert.ok(history.begin(hello(T + 1)));
  assert.ok(history.empty);
  assert.is(history.points.length, 0);
});

test('the curves begin with the points of the hello, and have no point twice', () => {
  const history = new History();
  const past = [1, 2, 3].map((second) => point(T + second * 1000));
  history.begin(hello(T, past));
  history.begin(hello(T, past));
  assert.is(history.points.length, 3);
  for (let seq = 0; seq < 30; seq++) history.add(frame(seq, T + 3000 + seq * INTERVAL_MS, [row(0)]));
  assert.is(history.points.length, 5, 'one a second, though ten frames a second bring one');
});

test('the curves are bounded', () => {
  const history = new History();
  history.begin(
    hello(
      T,
      Array.from({ length: 2000 }, (_, second) => point(T + second * 1000)),
    ),
  );
  assert.is(history.points.length, MAX_POINTS);
  assert.is(history.points.at(-1)?.at, T + 1999_000);
});

test('changes that are later than their frame belong to the next one', () => {
  const history = new History();
  history.begin(hello(T));
  const late: TransitionTuple = [0, FOLLOWER, LEADER, T + 105, -1];
  history.add(frame(0, T, [row(0)]));
  history.add(frame(1, T + 100, [row(0)], [late]));
  assert.is(history.at(T + 100)?.changes.length, 0);
  history.add(frame(2, T + 200, [row(0)]));
  assert.equal(history.at(T + 200)?.changes, [late]);
});

test('marks belong to the frame that covers their time, and those from before the first frame to none', () => {
  const history = new History();
  history.begin(hello(T));
  const marked = (seq: number, at: number, ...marks: MarkTuple[]) => ({ ...frame(seq, at, [row(0)]), marks });
  history.add(marked(0, T, [0, 0, T - 5000], [0, 1, T + 20]));
  history.add(marked(1, T + 100, [0, 0, T + 50], [0, 0, T + 101]));
  history.add(marked(2, T + 200, [0, 1, T + 150]));
  const marks = [0, 100, 200].map((after) =>
    history.at(T + after)!.marks.map(([, kind, at]) => [kind, at - T]),
  );
  assert.equal(marks, [
    [],
    [
      [1, 20],
      [0, 50],
    ],
    [
      [0, 101],
      [1, 150],
    ],
  ]);
});

test('a frame that follows with nothing missed is exact; a gap or a missed change is a blend', () => {
  const history = new History();
  history.begin(hello(T));
  history.add(frame(0, T, [row(0), row(1)]));
  history.add(frame(1, T + 100, [row(0, { missed: 3 }), row(1)]));
  assert.equal(history.at(T + 100)?.exact, [false, true]);
  history.add(frame(3, T + 200, [row(0), row(1)]));
  assert.equal(history.at(T + 200)?.exact, [false, false], 'one frame was lost');
  history.add(frame(4, T + 5200, [row(0), row(1)]));
  assert.equal(history.at(T + 5200)?.exact, [false, false], 'the page was away');
});

test('shares come from the times in each state', () => {
  const history = new History();
  history.begin(hello(T));
  history.add(frame(0, T, [row(0, { timesMs: [0, 0, 100, 100, 100] })]));
  history.add(frame(1, T + 100, [row(0, { missed: 9, timesMs: [0, 0, 110, 130, 160] })]));
  assert.equal(history.at(T + 100)?.shares[0], [0, 0, 0.1, 0.3, 0.6]);
});

test('of too many changes the oldest are dropped, and their frames become blends', () => {
  const history = new History();
  history.begin(hello(T));
  const each = 2000;
  const frames = MAX_CHANGES / each + 10;
  for (let seq = 0; seq < frames; seq++) {
    const at = T + seq * INTERVAL_MS;
    const changes = Array.from(
      { length: each },
      (_, index): TransitionTuple => [0, FOLLOWER, LEADER, at - index / 1e3, -1],
    );
    history.add(frame(seq, at, [row(0)], changes));
  }
  assert.is(history.at(T)?.changes.length, 0);
  assert.equal(history.at(T + INTERVAL_MS)?.exact, [false]);
  assert.is(history.at(history.newestAt)?.changes.length, each);
});

test('marks are bounded with the changes', () => {
  const history = new History();
  history.begin(hello(T));
  const each = 2000;
  const frames = MAX_CHANGES / each + 10;
  for (let seq = 0; seq < frames; seq++) {
    const at = T + seq * INTERVAL_MS;
    const marks = Array.from({ length: each }, (_, index): MarkTuple => [0, 0, at - index / 1e3]);
    history.add({ ...frame(seq, at, [row(0)]), marks });
  }
  assert.is(history.at(T + INTERVAL_MS)?.marks.length, 0);
  assert.is(history.at(history.newestAt)?.marks.length, each);
});

test('a clock that was set back clears the frames', () => {
  const history = filled(10);
  history.add(frame(10, T - 5000, [row(0)]));
  assert.is(history.oldestAt, T - 5000);
  assert.is(history.newestAt, T - 5000);
});

test('the last changes of a thread, up to a time', () => {
  const history = new History();
  history.begin(hello(T));
  const change = (thread: number, at: number): TransitionTuple => [thread, LEADER, PROCESSING, T + at, -1];
  history.add(frame(0, T, [row(0), row(1)]));
  history.add(frame(1, T + 100, [row(0), row(1)], [change(0, 10), change(1, 20), change(0, 90)]));
  history.add(frame(2, T + 200, [row(0), row(1)], [change(0, 110), change(0, 190)]));
  const times = (upTo: number, max: number) =>
    history.changesOf(0, T + upTo, max).map(([, , , at]) => at - T);
  assert.equal(times(1000, 10), [10, 90, 110, 190]);
  assert.equal(times(150, 10), [10, 90, 110]);
  assert.equal(times(1000, 2), [110, 190]);
});

test('playback is live until it is paused, steps by frames, and stays within the history', () => {
  const history = filled(20);
  const playback = new Playback(history);
  assert.ok(playback.live);
  playback.pause();
  history.add(frame(20, T + 2000, [row(0)]));
  assert.not(playback.live);
  assert.is(playback.at, T + 1900, 'it stays where it was held');
  assert.is(playback.behindMs, 100);
  assert.is(playback.curvesEndAt, T + 1900);
  playback.step(-3);
  assert.is(playback.at, T + 1600);
  playback.step(100);
  assert.is(playback.at, T + 2000);
  playback.scrubTo(0);
  assert.is(playback.at, T);
  playback.step(-1);
  assert.is(playback.at, T);
  playback.toLive();
  assert.ok(playback.live);
  assert.is(playback.moment?.frame.seq, 20);
});

test('a page paused for longer than the history shows the oldest moment', () => {
  const history = filled(10);
  const playback = new Playback(history);
  playback.scrubTo(T);
  filled(3000, history);
  assert.is(playback.at, history.oldestAt);
});

test('an empty history cannot be paused', () => {
  const playback = new Playback(new History());
  playback.pause();
  playback.step(-1);
  assert.ok(playback.live);
});

test('what the hello and the first frame tell of the time before is one moment, each change once', () => {
  const history = new History();
  const earlier: TransitionTuple = [0, FOLLOWER, LEADER, T - 5000, -1];
  const later: TransitionTuple = [0, LEADER, PROCESSING, T - 20, -1];
  history.begin({ ...hello(T - 60_000), transitions: [earlier, later], marks: [[0, 0, T - 4000]] });
  const rows = [row(0, { state: 'processing', since: T - 20 }), row(1, { since: T - 9000 }), row(2)];
  history.add(frame(0, T, rows, [later]));
  const [past] = history.between(T - 10_000, T);
  assert.equal(past!.changes, [[1, UNKNOWN, FOLLOWER, T - 9000, -1], earlier, later]);
  assert.is(past!.from, T - 9000);
  assert.is(past!.marks.length, 1);
  assert.is(history.oldestAt, T, 'frames are not made up');
  assert.equal(history.changesOf(0, T, 10), [earlier, later]);
  assert.equal(history.between(T, T + 1), [], 'only where it is asked for');
});

test('a page that reconnects to the same server gets the changes that it has missed', () => {
  const history = filled(3);
  const missed: TransitionTuple = [0, FOLLOWER, LEADER, T + 1000, -1];
  const known: TransitionTuple = [0, LEADER, FOLLOWER, T + 50, -1];
  history.begin({ ...hello(T), transitions: [known, missed] });
  history.add(frame(40, T + 2000, [row(0, { state: 'leader', since: T + 1000 }), row(1)]));
  assert.equal(history.at(T + 2000)?.changes, [missed]);
});

test('deaths are kept once each, and a restart forgets them', () => {
  const history = new History();
  const death = { thread: 1, at: T - 10, reason: 'Error: no' };
  history.begin({ ...hello(T - 60_000), deaths: [death] });
  history.add({ ...frame(0, T, [row(0), row(1)]), deaths: [death] });
  history.add({ ...frame(1, T + 100, [row(0), row(1)]), deaths: [{ ...death, at: T + 60 }] });
  assert.equal(
    history.deaths.map(({ at }) => at - T),
    [-10, 60],
  );
  history.begin(hello(T + 1000));
  assert.equal(history.deaths, []);
});

test.run();
