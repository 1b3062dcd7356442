import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { abortError, isCausedBy, PacelineError } from '../../lib/errors.js';

const gone = new PacelineError('PACELINE_CLIENT_GONE', 'the client left');

test('what a signal is aborted with is an AbortError of the platform, with the cause', () => {
  const error = abortError(gone);
  assert.instance(error, DOMException);
  assert.instance(error, Error);
  assert.is(error.name, 'AbortError');
  assert.is(error.code, DOMException.ABORT_ERR);
  assert.is(error.message, 'the client left');
  assert.is((error as Error).cause, gone);
});

test('a code is found in what was made of the reason', () => {
  assert.ok(isCausedBy(gone, 'PACELINE_CLIENT_GONE'));
  assert.ok(isCausedBy(abortError(gone), 'PACELINE_CLIENT_GONE'));
  assert.ok(
    isCausedBy(new Error('cancelled', { cause: abortError(gone) }), 'PACELINE_STATE', 'PACELINE_CLIENT_GONE'),
  );
});

test('other errors are not taken for it, whatever they are', () => {
  const circle = new Error('one');
  circle.cause = new Error('two', { cause: circle });
  const hostile = new Proxy(new Error('x'), {
    getPrototypeOf: () => {
      throw new Error('no');
    },
  });
  const getter = new Error('y');
  Object.defineProperty(getter, 'cause', {
    get: () => {
      throw new Error('no');
    },
  });
  for (const other of [
    circle,
    hostile,
    getter,
    null,
    undefined,
    'PACELINE_CLIENT_GONE',
    { code: 'PACELINE_CLIENT_GONE' },
    new DOMException('aborted', 'AbortError'),
    abortError(new PacelineError('PACELINE_BODY_LIMIT', 'too long')),
  ])
    assert.not.ok(isCausedBy(other, 'PACELINE_CLIENT_GONE', 'PACELINE_STATE'));
});

test.run();
