import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { valueText } from '../../../lib/report/value-text.js';

test('a value is shown as Node shows it', () => {
  assert.is(valueText({ code: 5, inner: { list: [1] } }), '{ code: 5, inner: { list: [ 1 ] } }');
  assert.is(valueText(5n), '5');
});

test('of an object with many properties, here or inside, only that is said', () => {
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`key${index}`, index]));
  const text = '[object Object] with more than 1000 properties';
  assert.is(valueText(many), text);
  assert.is(valueText({ inner: { many } }), text);
  assert.match(valueText([many]), /^\[object Array\] with more/);
  // It would not be shown.
  assert.is(valueText({ a: { b: { many } } }), '{ a: { b: { many: [Object] } } }');
});

test('lists and bytes are bounded by themselves', () => {
  assert.ok(valueText(Array(1_000_000).fill(5)).length < 200);
  assert.ok(valueText(Buffer.alloc(1_000_000)).length < 200);
  assert.ok(valueText(new Map(Array.from({ length: 100_000 }, (_, index) => [index, index]))).length < 500);
});

test('no getter and no trap is called', () => {
  const traps = Object.fromEntries(['get', 'ownKeys'].map((trap) => [trap, () => assert.unreachable()]));
  // Node 26 says that it is one.
  assert.match(valueText(new Proxy({ a: 1 }, traps)), /^(Proxy\()?\{ a: 1 \}\)?$/);
  assert.is(
    valueText({
      get a() {
        return assert.unreachable();
      },
    }),
    '{ a: [Getter] }',
  );
});

test.run();
