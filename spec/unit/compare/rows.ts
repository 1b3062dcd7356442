/** The rows of the table of figures, which of their values are marked, and what is said before they are believed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEMO_MIXES } from '../../../lib/compare/mixes.js';
import { mixOfPaths } from '../../../lib/compare/paths.js';
import type { FiguresMessage } from '../../../lib/compare/protocol.js';
import { marksOf, rowsOf, warningsOf } from '../../../lib/compare/rows.js';

const less = { better: 'less', same: 0.2, timed: true } as const;
const more = { better: 'more', same: 0, timed: false } as const;
const message = (part: Partial<FiguresMessage>): FiguresMessage => ({
  type: 'figures',
  load: { mix: 'fast', rate: 100, turns: false, running: true },
  overMs: 1000,
  busy: { all: 0.5, own: 0.4 },
  ownLate: 0,
  figures: [],
  ...part,
});

test('the best value is marked, and those that are as good', () => {
  assert.equal(marksOf(less, [1, 2], 0), [true, false]);
  assert.equal(marksOf(more, [1, 2], 0), [false, true]);
  assert.equal(marksOf(less, [20, 20.5, 30], 0), [true, true, false]);
});

test('nothing is marked where all are about the same, where a value is missing, or of one server', () => {
  assert.equal(marksOf(less, [20, 20.9], 0), [false, false]);
  assert.equal(marksOf(less, [0.1, 0.25], 0), [false, false]);
  assert.equal(marksOf(less, [1, null, 3], 0), [false, false, false]);
  assert.equal(marksOf(less, [1], 0), [false]);
});

test('no latency is marked where the process that sends the load was late itself', () => {
  assert.equal(marksOf(less, [1, 2], 0.5), [false, false]);
  assert.equal(marksOf(more, [1, 2], 0.5), [false, true]);
});

test('each mix has rows with keys of their own, those of the fast requests first', () => {
  for (const mix of [...DEMO_MIXES, mixOfPaths('/a,/b,/c,/d')]) {
    const keys = rowsOf(mix).map(({ key }) => key);
    assert.is(new Set(keys).size, keys.length, keys.join());
    assert.equal(keys.slice(0, 2), [`p50Ms.${mix.kinds[0].name}`, `p99Ms.${mix.kinds[0].name}`]);
    assert.is(
      keys.includes('behind'),
      mix.kinds.some(({ holds }) => holds),
    );
  }
  const burst = DEMO_MIXES.find(({ name }) => name === 'burst')!;
  assert.ok(rowsOf(burst).some(({ key }) => key === 'p99Ms.new connection'));
});

test('a full machine is said, and who has filled it', () => {
  assert.equal(warningsOf(message({})), []);
  assert.match(warningsOf(message({ busy: { all: 1, own: 0.2 } })).join(), /^Other programs/);
  assert.match(warningsOf(message({ busy: { all: 1, own: 0.9 } })).join(), /one after the other/);
  const turns = { ...message({}).load, turns: true };
  assert.match(
    warningsOf(message({ busy: { all: 1, own: 0.9 }, load: turns })).join(),
    /each other down\. Lower the rate\.$/,
  );
  assert.match(warningsOf(message({ ownLate: 0.5 })).join(), /^50 % of the requests were sent late/);
});

test('where requests are sent late, nothing that depends on when they arrive is marked', () => {
  const timed = rowsOf(DEMO_MIXES[1]!).filter((row) => row.timed);
  const keys = timed.map(({ key }) => key);
  for (const key of ['p99Ms.fast', 'behind', 'queueMs', 'waiting', 'waitingPeak', 'out']) {
    assert.ok(keys.includes(key), key);
  }
  for (const key of ['cpuUs', 'switches', 'failed']) assert.not.ok(keys.includes(key), key);
});

test.run();
