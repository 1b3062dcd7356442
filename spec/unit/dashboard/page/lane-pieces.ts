/** The pieces that the lanes are drawn from. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { History } from '../../../../lib/dashboard/page/history.js';
import {
  BLEND,
  handOversOf,
  lanesAcross,
  lanesOf,
  pieceAt,
  promotionsOf,
} from '../../../../lib/dashboard/page/lane-pieces.js';
import { FOLLOWER, LEADER, PROCESSING } from '../../../../lib/dashboard/page/states.js';
import {
  type Frame,
  MARKS,
  type MarkTuple,
  type TransitionTuple,
} from '../../../../lib/dashboard/protocol.js';
import { frame, hello, row } from '../../../support/dashboard/frames.js';

const T = 1_700_000_000_000;

function historyOf(...frames: Frame[]): History {
  const history = new History();
  history.begin(hello(T));
  for (const one of frames) history.add(one);
  return history;
}

const brief = (pieces: readonly { from: number; to: number; state: number }[]) =>
  pieces.map(({ from, to, state }) => [from - T, to - T, state]);

test('changes make pieces, from the state before the first to the end of the frame', () => {
  const history = historyOf(
    frame(0, T, [row(0, { state: 'leader' })]),
    frame(
      1,
      T + 100,
      [row(0, { state: 'processing', route: 'GET /hello' })],
      [
        [0, LEADER, PROCESSING, T + 20, -1],
        [0, PROCESSING, LEADER, T + 50, -1],
        [0, LEADER, PROCESSING, T + 60, -1],
      ],
    ),
  );
  const [lane] = lanesOf(history.at(T + 100)!, 1);
  assert.equal(brief(lane!), [
    [0, 20, LEADER],
    [20, 50, PROCESSING],
    [50, 60, LEADER],
    [60, 100, PROCESSING],
  ]);
  assert.is(lane!.at(-1)!.route, 'GET /hello');
  assert.is(lane![1]!.route, '', 'what a past request asked for is not known');
});

test('a state that continues across frames is one piece, and a blocked thread keeps its route', () => {
  const held = { state: 'processing', since: T - 1000, route: 'GET /block' } as const;
  const history = historyOf(...[0, 1, 2, 3].map((seq) => frame(seq, T + seq * 100, [row(0, held)])));
  const [lane] = lanesAcross(history.between(T, T + 1000), 1);
  assert.equal(brief(lane!), [[0, 300, PROCESSING]]);
  assert.is(lane![0]!.route, 'GET /block');
  assert.is(lane![0]!.since, T - 1000, 'it has been held since before the lane begins');
});

test('pieces that are too short to draw are merged into blends with the right shares', () => {
  const changes: TransitionTuple[] = [];
  for (let at = 0; at < 100; at += 1) {
    changes.push([0, LEADER, PROCESSING, T + at + 0.25, -1], [0, PROCESSING, LEADER, T + at + 1, -1]);
  }
  const history = historyOf(
    frame(0, T, [row(0, { state: 'leader' })]),
    frame(1, T + 100, [row(0, { state: 'leader' })], changes),
  );
  const [lane] = lanesOf(history.at(T + 100)!, 10);
  assert.ok(lane!.length <= 11, `${lane!.length} pieces`);
  for (const { state, shares } of lane!) {
    assert.is(state, BLEND);
    assert.ok(Math.abs(shares![LEADER]! - 0.25) < 0.08, String(shares));
    assert.ok(Math.abs(shares!.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
  }
  assert.is(lane![0]!.from, T);
  assert.is(lane!.at(-1)!.to, T + 100);
});

test('a short piece between long ones is kept', () => {
  const history = historyOf(
    frame(0, T, [row(0)]),
    frame(
      1,
      T + 100,
      [row(0)],
      [
        [0, FOLLOWER, PROCESSING, T + 50, -1],
        [0, PROCESSING, FOLLOWER, T + 50.5, -1],
      ],
    ),
  );
  const [lane] = lanesOf(history.at(T + 100)!, 10);
  assert.equal(brief(lane!), [
    [0, 50, FOLLOWER],
    [50, 50.5, PROCESSING],
    [50.5, 100, FOLLOWER],
  ]);
});

test('a frame with missed changes is one blend, however few changes it has', () => {
  const history = historyOf(
    frame(0, T, [row(0), row(1)]),
    frame(1, T + 100, [
      row(0, { missed: 5, since: T + 90, timesMs: [0, 0, 0, 40, 60] }),
      row(1, { missed: 5, since: T + 99, timesMs: [0, 0, 0, 0, 100] }),
    ]),
  );
  const [mixed, pure] = lanesOf(history.at(T + 100)!, 1);
  assert.equal(brief(mixed!), [[0, 100, BLEND]]);
  assert.equal(mixed![0]!.shares, [0, 0, 0, 0.4, 0.6]);
  assert.equal(brief(pure!), [[0, 100, BLEND]], 'many short handlers are not one long one');
});

test('a thread that did not change its state is exact, even if frames were lost', () => {
  const held = { state: 'processing', since: T - 1000, route: 'GET /block' } as const;
  const history = historyOf(frame(0, T, [row(0, held)]), frame(5, T + 500, [row(0, held)]));
  assert.equal(brief(lanesOf(history.at(T + 500)!, 1)[0]!), [[0, 500, PROCESSING]]);
});

test('a state without a change continues from the frame before', () => {
  const history = historyOf(
    frame(0, T, [row(0)]),
    frame(1, T + 100, [row(0, { since: T + 50, state: 'leader' })], [[0, FOLLOWER, LEADER, T + 50, -1]]),
    // It changed at the time of the frame: its row has the change already, its ring only with the next frame.
    frame(2, T + 200, [row(0, { since: T + 199, state: 'processing' })]),
  );
  const [lane] = lanesOf(history.at(T + 200)!, 1);
  assert.equal(brief(lane!), [[100, 200, LEADER]]);
});

test('the piece at a time', () => {
  const pieces = [
    { from: 0, to: 10, since: 0, state: LEADER, begins: false, shares: null, route: '' },
    { from: 10, to: 20, since: 10, state: PROCESSING, begins: false, shares: null, route: '' },
  ];
  assert.is(pieceAt(pieces, 10)?.state, PROCESSING);
  assert.is(pieceAt(pieces, 20), undefined);
});

test('promotions name both threads; close ones are left out, the same ones in every view', () => {
  const changes: TransitionTuple[] = Array.from({ length: 100 }, (_, index) => [
    index % 2,
    FOLLOWER,
    LEADER,
    T + index + 0.5,
    (index + 1) % 2,
  ]);
  const own: TransitionTuple = [1, PROCESSING, LEADER, T + 0.1, -1];
  const history = historyOf(
    frame(0, T, [row(0), row(1)]),
    frame(1, T + 50, [row(0), row(1)], [own, ...changes.slice(0, 50)]),
    frame(2, T + 100, [row(0), row(1)], changes.slice(50)),
  );
  const all = promotionsOf(history.between(T, T + 100), 10);
  assert.is(all.shown.length, 10);
  assert.is(all.left, 90);
  assert.equal(all.shown[0], { at: T + 0.5, from: 1, to: 0 });
  const later = promotionsOf(history.between(T + 60, T + 100), 10);
  assert.equal(later.shown, all.shown.slice(5));
});

test('hand-overs of a thread that are close together are one mark with their number, the same in every view', () => {
  const marks: MarkTuple[] = [
    [0, 0, T + 20.2],
    [1, 1, T + 20.4],
    [0, 0, T + 23],
    [0, 1, T + 24],
    [0, 0, T + 41],
  ];
  const history = historyOf(frame(0, T, [row(0), row(1)]), {
    ...frame(1, T + 50, [row(0), row(1)]),
    marks,
  });
  assert.equal(handOversOf(history.between(T, T + 50), 10), [
    { thread: 0, given: true, at: T + 20.2, count: 2 },
    { thread: 1, given: false, at: T + 20.4, count: 1 },
    { thread: 0, given: false, at: T + 24, count: 1 },
    { thread: 0, given: true, at: T + 41, count: 1 },
  ]);
});

test('a request that follows another one without a break is another piece, also across frames', () => {
  const held = (seq: number, route: string, marks: MarkTuple[] = []): Frame => ({
    ...frame(seq, T + seq * 100, [row(0, { state: 'processing', since: T - 1000, route })]),
    marks,
  });
  const begun = MARKS.indexOf('begun');
  const history = historyOf(
    held(0, 'GET /one'),
    held(1, 'GET /one'),
    held(2, 'GET /two', [[0, begun, T + 140]]),
    held(3, 'GET /two'),
  );
  const moments = history.between(T, T + 1000);
  const [lane] = lanesAcross(moments, 1);
  assert.equal(
    lane!.slice(-2).map(({ from, to, route }) => [from - T, to - T, route]),
    [
      [lane!.at(-2)!.from - T, 140, 'GET /one'],
      [140, 300, 'GET /two'],
    ],
  );
  assert.equal(handOversOf(moments, 10), [], 'that is no hand-over');
});

test('what a thread did before the first change that is known of it is no piece', () => {
  const history = historyOf(
    frame(0, T, [row(0, { state: 'leader', since: T - 300 }), row(1)], [[0, FOLLOWER, LEADER, T - 300, -1]]),
  );
  const lanes = lanesAcross(history.between(T - 1000, T), 1);
  assert.equal(lanes.map(brief), [[[-300, 0, LEADER]], []]);
});

test.run();
