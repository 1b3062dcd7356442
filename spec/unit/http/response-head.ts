/** What no head may say is found before a byte of it is written, whatever the way to the writer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { checkHead } from '../../../lib/http/response-head.js';
import { ResponseWriter, SIZED } from '../../../lib/http/response-writer.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';
import { randomOf } from '../../support/random.js';

const outgoing = (the: Partial<Outgoing>): Outgoing => ({
  status: 200,
  statusText: '',
  headers: '',
  contentLength: -1,
  close: false,
  body: null,
  ...the,
});

function isValid(the: Partial<Outgoing>): boolean {
  try {
    checkHead(outgoing(the));
    return true;
  } catch (error) {
    assert.instance(error, PacelineError);
    assert.is((error as PacelineError).code, 'PACELINE_APP_SHAPE');
    return false;
  }
}

/** Characters at the edges of what is allowed, and those whose low byte is one that is not. */
const FORBIDDEN = [
  '\0',
  '\x01',
  '\b',
  '\n',
  '\v',
  '\f',
  '\r',
  '\x1f',
  '\x7f',
  '\u0100',
  '\u010a',
  '\u010d',
  '\uffff',
  '😀',
];
const ALLOWED = ['\t', ' ', '!', '~', '\x80', '\xff', 'é'];

test('a reason phrase has tabs, spaces, visible characters and latin1', () => {
  for (const character of ALLOWED) assert.ok(isValid({ statusText: `a${character}b` }), escape(character));
  for (const character of FORBIDDEN) {
    for (const statusText of [character, `${character}b`, `a${character}`, `a${character}b`])
      assert.not(isValid({ statusText }), escape(character));
  }
});

test('header lines have tokens for names, no control characters in values, and whole line ends', () => {
  for (const character of ALLOWED)
    assert.ok(isValid({ headers: `x: a${character}b\r\n` }), escape(character));
  for (const character of FORBIDDEN) {
    assert.not(isValid({ headers: `x: a${character}b\r\n` }), escape(character));
    assert.not(isValid({ headers: `x${character}: b\r\n` }), escape(character));
    assert.not(isValid({ headers: `a: b\r\nx: a${character}\r\n` }), escape(character));
  }
  for (const headers of ['', 'x: \r\n', 'x:\r\n', "!#$%&'*+-.^_`|~09Az: a: b\r\n", 'x: a\r\ny: b\r\n'])
    assert.ok(isValid({ headers }), headers);
  for (const headers of [
    'x',
    'x:',
    'x: a',
    'x: a\r',
    'x: a\n',
    'x: a\r\n\r\n',
    '\r\n',
    ': a\r\n',
    'x : a\r\n',
    ' x: a\r\n',
    'x: a\r\n y\r\n',
    'x y: a\r\n',
    'é: a\r\n',
  ])
    assert.not(isValid({ headers }), headers);
});

test('lines that were valid before say nothing for others', () => {
  const random = randomOf(5);
  const pick = (of: readonly string[]) => of[random(of.length)]!;
  for (let round = 0; round < 20_000; round++) {
    let headers = '';
    let expected = true;
    for (let lines = random(4); lines > 0; lines--) {
      const [name, value] = [random(9), random(9)];
      if (name === 0 || value === 0) expected = false;
      headers += `x${name === 0 ? pick(FORBIDDEN) : ''}: a${pick(ALLOWED)}${value === 0 ? pick(FORBIDDEN) : ''}\r\n`;
    }
    assert.is(isValid({ headers }), expected, JSON.stringify(headers));
    assert.is(isValid({ headers }), expected, JSON.stringify(headers));
  }
});

test('a head of a megabyte is looked at whole', () => {
  const lines = `x: ${'a'.repeat(1000)}\r\n`.repeat(1000);
  assert.ok(isValid({ headers: lines }));
  assert.ok(isValid({ headers: `x: ${'a'.repeat(1_000_000)}\r\n` }));
  assert.not(isValid({ headers: `${lines}x: \u010a\r\n` }));
});

test('a status ends the request, and a length is a count', () => {
  for (const status of [200, 599]) assert.ok(isValid({ status }));
  for (const status of [0, 100, 101, 199, 600, 1000, 200.5, Number.NaN]) assert.not(isValid({ status }));
  for (const contentLength of [-1, 0, Number.MAX_SAFE_INTEGER]) assert.ok(isValid({ contentLength }));
  for (const contentLength of [-2, 0.5, 1e21, Number.NaN, Number.POSITIVE_INFINITY])
    assert.not(isValid({ contentLength }));
});

test('the writer itself writes no byte of a head that says anything else', () => {
  const writer = new ResponseWriter({ micros: 0 });
  for (const the of [
    { statusText: 'a\u010d\u010ab' },
    { headers: 'x: a\u010d\u010ay: b\r\n' },
    { status: 101 },
  ]) {
    assert.throws(
      () => writer.head(outgoing(the), SIZED, 0, true, 1),
      (error: unknown) => error instanceof PacelineError,
    );
    assert.is(writer.length, 0);
  }
  assert.is(writer.head(outgoing({}), SIZED, 0, true, 1), null);
  assert.match(writer.bytes.toString('latin1', 0, writer.length), /^HTTP\/1\.1 200 OK\r\n/);
});

test.run();
