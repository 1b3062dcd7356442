import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OTHER, RouteTotals } from '../../../lib/dashboard/route-totals.js';
import { routeOf } from '../../support/dashboard/fake-observed.js';
import { range } from '../../support/server/wait.js';

const HOUR = 3_600_000;
const named = range(20).map((index) => routeOf(`GET /${index}`, { calls: 10 }));
const ofClient = (index: number, calls: number) => routeOf(`GET /x${index}`, { calls, typicalMs: index });

test('a route counts on when it was forgotten and learned again', () => {
  const totals = new RouteTotals();
  const calls = [5, 8, 3, 4].map(
    (calls, at) => totals.update([routeOf('GET /a', { calls, handOvers: 1 })], at).get('GET /a')!.calls,
  );
  assert.equal(calls, [5, 8, 11, 12]);
});

test('the routes beyond the first twenty are counted together, and their names never appear', () => {
  const totals = new RouteTotals();
  totals.update(named, 0);
  for (let at = 1; at <= 50; at++) {
    const seen = totals.update([...named, ofClient(at, 2), ofClient(at + 1, 6)], at);
    assert.equal([...seen.keys()], [...named.map(({ name }) => name), OTHER]);
    assert.is(seen.get('GET /0')!.calls, 10);
    assert.is(seen.get(OTHER)!.typicalMs, (at * 2 + (at + 1) * 6) / 8);
  }
  // Of each, six as the second, and two more as the first, when it had been learned anew.
  assert.is(totals.update(named, 51).get(OTHER)!.calls, 2 + 6 + 49 * (2 + 6));
});

test('a name is given up once its route has been forgotten for an hour', () => {
  const totals = new RouteTotals();
  totals.update(named, 0);
  const rest = named.slice(1);
  const names = (at: number) => [...totals.update([...rest, ofClient(1, 1)], at).keys()];
  assert.not(names(HOUR - 1).includes('GET /x1'));
  const after = names(HOUR);
  assert.ok(after.includes('GET /x1') && !after.includes('GET /0'));
  assert.is(after.length, 21);
});

test.run();
