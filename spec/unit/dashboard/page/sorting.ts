/** The order of the thread table. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COLUMNS, clicked, type Order, sorted } from '../../../../lib/dashboard/page/sorting.js';
import { row } from '../../../support/dashboard/frames.js';

const ROWS = [
  row(0, { state: 'follower', since: 100, busy: 0.1, counters: { events: 5 }, route: 'GET /b' }),
  row(1, { state: 'processing', since: 300, busy: 0.9, counters: { events: 50 }, route: 'GET /a' }),
  row(2, { state: 'leader', since: 200, busy: 0.1, counters: { events: 7 } }),
];
const ids = (order: Order) => sorted(ROWS, order).map(({ id }) => id);

test('each column sorts by what it shows', () => {
  assert.equal(ids({ column: 'thread', descending: true }), [2, 1, 0]);
  assert.equal(ids({ column: 'state', descending: false }), [2, 1, 0], 'leader, processing, follower');
  assert.equal(ids({ column: 'since', descending: true }), [0, 2, 1], 'the longest first');
  assert.equal(ids({ column: 'events', descending: true }), [1, 2, 0]);
  assert.equal(ids({ column: 'route', descending: false }), [2, 1, 0]);
});

test('equal rows stay in the order of their numbers, ascending or descending', () => {
  assert.equal(ids({ column: 'busy', descending: true }), [1, 0, 2]);
  assert.equal(ids({ column: 'busy', descending: false }), [0, 2, 1]);
});

test('a first click on some columns sorts in descending order, and a second click reverses it', () => {
  let order: Order = { column: 'thread', descending: false };
  order = clicked(order, 'busy');
  assert.equal(order, { column: 'busy', descending: true });
  order = clicked(order, 'busy');
  assert.equal(order, { column: 'busy', descending: false });
  assert.equal(clicked(order, 'route'), { column: 'route', descending: false });
});

test('sorting does not change the rows that were received', () => {
  const before = ROWS.map(({ id }) => id);
  for (const column of COLUMNS) sorted(ROWS, { column, descending: true });
  assert.equal(
    ROWS.map(({ id }) => id),
    before,
  );
});

test.run();
