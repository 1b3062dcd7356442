/** Which kind each request of a mix is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_MIX, DEMO_MIXES, kindOf } from '../../../lib/compare/mixes.js';
import { mixOfPaths } from '../../../lib/compare/paths.js';

test('kinds come in the proportion of their weights, and never one of weight 0', () => {
  const { kinds } = mixOfPaths('/a@70,/b@29.5,/c@0,/d@0.5');
  const counts = kinds.map(() => 0);
  for (let n = 0; n < 100_000; n++) counts[kindOf(n, kinds)]!++;
  assert.is(counts[2], 0);
  const near = (count: number, expected: number): boolean => Math.abs(count - expected) < expected * 0.1;
  assert.ok(near(counts[0]!, 70_000) && near(counts[1]!, 29_500) && near(counts[3]!, 500), counts.join());
});

test('the kind of a request is the same each time it is asked for', () => {
  const { kinds } = mixOfPaths('/a@1,/b@1');
  const sequence = Array.from({ length: 1000 }, (_, n) => kindOf(n, kinds));
  assert.equal(
    Array.from({ length: 1000 }, (_, n) => kindOf(n, kinds)),
    sequence,
  );
  assert.ok(
    /0,0,0/.test(sequence.join()) && /1,1,1/.test(sequence.join()),
    'kinds follow each other without a pattern',
  );
});

test('each mix of the demo has a name of its own, and begins with fast requests', () => {
  const names = DEMO_MIXES.map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  assert.ok(names.includes(DEFAULT_MIX));
  for (const { kinds } of DEMO_MIXES) {
    assert.is(kinds[0].name, 'fast');
    assert.is(kinds[0].holds, false);
  }
});

test.run();
