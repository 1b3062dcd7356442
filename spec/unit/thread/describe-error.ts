import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeError } from '../../../lib/thread/describe-error.js';

test('an error is described by its stack, any other value as text', () => {
  const error = new TypeError('no such thing');
  assert.is(describeError(error), error.stack);
  assert.is(describeError('text'), 'text');
  assert.is(describeError(undefined), 'undefined');
  assert.is(describeError({ code: 5 }), '{ code: 5 }');
  const bare = new RangeError('no stack');
  Reflect.deleteProperty(bare, 'stack');
  assert.is(describeError(bare), 'RangeError: no stack');
});

test('a description is bounded, and nothing that is thrown makes it throw', () => {
  assert.is(describeError('x'.repeat(100_000)).length, 16_384);
  const hostile = new Error('hidden');
  Object.defineProperty(hostile, 'stack', {
    get() {
      throw new Error('no');
    },
  });
  assert.is(describeError(hostile), 'something was thrown that cannot be described');
  assert.is(typeof describeError(Object.create(null)), 'string');
});

test.run();
