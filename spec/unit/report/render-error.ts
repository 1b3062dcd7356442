import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { renderError } from '../../../lib/report/render-error.js';

const STACK = '    at f (/app/a.js:1:2)\n    at g (/app/a.js:3:4)';

test('an error is shown with its frame, its stack, its causes and its parts', () => {
  const text = renderError({
    name: 'AggregateError',
    message: 'two failed',
    code: 'E_TWO',
    frame: '> 1 | f();\n    | ^',
    stack: STACK,
    cause: { name: 'TypeError', message: 'why\nexactly', stack: STACK },
    errors: [
      { name: 'NonError', message: '{ id: 5 }' },
      { name: 'Error', message: 'second', cause: { name: 'Error', message: '' } },
    ],
  });
  assert.is(
    text,
    `AggregateError [E_TWO]: two failed

> 1 | f();
    | ^

${STACK}
  [cause]: TypeError: why
  exactly
      at f (/app/a.js:1:2)
      at g (/app/a.js:3:4)
  [1 of 2]: { id: 5 }
  [2 of 2]: Error: second
    [cause]: Error`,
  );
});

test('control characters of an error do not reach the terminal', () => {
  const text = renderError({ name: 'E\u001b[2J', message: 'a\r\u0007b\u009b1m', stack: '    at \u001bc' });
  assert.is(text, 'E\\x1b[2J: a\\x0d\\x07b\\x9b1m\n    at \\x1bc');
});

test('it is coloured where that is wanted', () => {
  const text = renderError({ name: 'Error', message: 'red' }, { color: true });
  assert.is(text, '\u001b[31mError: red\u001b[39m');
});

test.run();
