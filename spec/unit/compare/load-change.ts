/** What a page of the comparison may send. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadChange } from '../../../lib/compare/load-change.js';
import { DEMO_MIXES } from '../../../lib/compare/mixes.js';

const change = (value: unknown) => loadChange(JSON.stringify(value), DEMO_MIXES);

test('a change of the load is taken', () => {
  assert.equal(change({ type: 'load', mix: 'cpu' }), { mix: 'cpu' });
  const all = { mix: 'fast', rate: 5000, turns: true, running: false };
  assert.equal(change({ type: 'load', ...all }), all);
  assert.equal(change({ type: 'load' }), {});
});

test('anything else is not', () => {
  const invalid = [null, 1, [], {}, { mix: 'cpu' }, { type: 'watch' }];
  for (const one of invalid) assert.is(change(one), null, JSON.stringify(one));
  const values = {
    mix: ['slow', 1, null],
    rate: [0, 5001, 1.5, '200', null],
    turns: [1, 'true'],
    running: [0],
    other: [1],
  };
  for (const [name, wrong] of Object.entries(values)) {
    for (const value of wrong) assert.is(change({ type: 'load', [name]: value }), null, `${name} ${value}`);
  }
  assert.is(loadChange('{', DEMO_MIXES), null);
  assert.is(loadChange('{"type":"load","__proto__":1}', DEMO_MIXES), null);
});

test.run();
