import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ErrorRecord, errorRecord } from '../../../lib/report/error-record.js';

/** A record of any error has no more characters, with JSON's escapes. */
const MAX_JSON = 20_000;
/** As compiled, or as the source that its map leads to. */
const THIS_FILE = /\/spec\/unit\/report\/error-record\.[jt]s$/;

const fileOf = (error: unknown): string | undefined => errorRecord(error).location?.file;

test('an error has its name, message and code, the frames of the app, and the place where it arose', () => {
  const error = Object.assign(new TypeError('no such thing'), { code: 'E_THING' });
  const { name, message, code, stack, location, ...others } = errorRecord(error);
  assert.equal([name, message, code, others], ['TypeError', 'no such thing', 'E_THING', {}]);
  assert.match(location!.file, THIS_FILE);
  assert.match(stack!, new RegExp(`^ {4}at .*${location!.file}:${location!.line}:${location!.column}`));
  assert.not.match(stack!, /node:internal|file:/);
});

test('a class without a name of its own gives its errors the name of the class', () => {
  class Refusal extends Error {}
  assert.is(errorRecord(new Refusal('no')).name, 'Refusal');
  assert.is(errorRecord(new Error('no')).name, 'Error');
});

test('causes and parts are records as well', () => {
  const inner = new RangeError('inner', { cause: { id: 5 } });
  const error = new AggregateError([inner, 'text'], 'both failed', { cause: inner });
  const { name, cause, errors } = errorRecord(error);
  assert.equal([name, cause?.name, cause?.message], ['AggregateError', 'RangeError', 'inner']);
  assert.equal(cause?.cause, { name: 'NonError', message: '{ id: 5 }' });
  assert.equal(
    errors?.map(({ message }) => message),
    ['inner', 'text'],
  );
});

test('a value that is no error is recorded as text', () => {
  const texts = ['text', undefined, null, 5, { code: 5 }, Symbol('none'), Object.create(null)].map(
    (value) => errorRecord(value).message,
  );
  assert.equal(texts, [
    'text',
    'undefined',
    'null',
    '5',
    '{ code: 5 }',
    'Symbol(none)',
    '[Object: null prototype] {}',
  ]);
  assert.is(errorRecord('text').name, 'NonError');
});

test('errors of other realms, DOMExceptions and objects that pass for errors are errors', () => {
  const foreign: unknown = runInContext('new TypeError("foreign")', createContext());
  assert.not.instance(foreign, Error);
  assert.is(errorRecord(foreign).name, 'TypeError');
  const { name, message, code } = errorRecord(
    AbortSignal.timeout(0).reason ?? new DOMException('late', 'TimeoutError'),
  );
  assert.equal([name, message, code], ['TimeoutError', 'late', undefined]);
  assert.is(errorRecord({ name: 'Odd', message: 'like one', stack: '' }).name, 'Odd');
});

/** Everything hostile that could be thrown. */
function hostile(): Record<string, unknown> {
  const throwing = { get: () => assert.unreachable(), configurable: true };
  const getters = new Error('hidden');
  for (const name of ['stack', 'name', 'message', 'code', 'cause', 'errors', 'constructor']) {
    Object.defineProperty(getters, name, throwing);
  }
  const circle = new Error('circle');
  circle.cause = new Error('its cause', { cause: circle });
  const wide = new AggregateError([], 'wide');
  wide.errors = Array.from({ length: 100 }, () => wide);
  let deep: unknown = 'ground';
  for (let depth = 0; depth < 10_000; depth++)
    deep = new AggregateError(Array(20).fill(deep), 'deep', { cause: deep });
  const revoked = Proxy.revocable(new Error('revoked'), {});
  revoked.revoke();
  const traps = Object.fromEntries(
    Object.getOwnPropertyNames(Reflect).map((trap) => [trap, () => assert.unreachable()]),
  );
  return {
    getters,
    circle,
    wide,
    deep,
    revoked: revoked.proxy,
    trapped: new Proxy(new Error('trapped'), traps),
    trappedFunction: new Proxy(() => {}, traps),
    huge: new Error('x'.repeat(5_000_000)),
    hugeText: 'x'.repeat(5_000_000),
    hugeStack: Object.assign(new Error('stack'), { stack: '    at x (y:1:1)\n'.repeat(1_000_000) }),
    oddStack: Object.assign(new Error('stack'), { stack: 5 }),
    oddMessage: Object.assign(new Error(), { message: { toString: 1 } }),
    oddName: Object.assign(new Error('name'), { name: 'n'.repeat(1_000_000) }),
    inspects: { [inspect.custom]: () => assert.unreachable() },
    stringless: { toString: 1 },
    function: assert.unreachable,
  };
}

for (const [what, value] of Object.entries(hostile())) {
  test(`what is recorded is bounded, cloneable and never throws: ${what}`, () => {
    const record = errorRecord(value, { frame: true });
    assert.ok(JSON.stringify(structuredClone(record)).length < MAX_JSON);
    assert.type(record.name, 'string');
    assert.type(record.message, 'string');
  });
}

test('an error in a circle of causes is recorded once', () => {
  const { circle } = hostile();
  const { message, cause } = errorRecord(circle);
  assert.equal([message, cause?.message, cause?.cause], ['circle', 'its cause', undefined]);
});

test('an app may replace stacks, or do without', () => {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.prepareStackTrace = (_, sites) => sites;
    assert.match(fileOf(new Error('call sites'))!, THIS_FILE);
    Error.prepareStackTrace = () => ({ no: 'stack' });
    assert.equal(errorRecord(new Error('an object')), { name: 'Error', message: 'an object' });
    Error.prepareStackTrace = () => assert.unreachable();
    assert.is(errorRecord(new Error('throws')).message, 'throws');
  } finally {
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Error.prepareStackTrace = prepareStackTrace;
  }
  Error.stackTraceLimit = 0;
  const bare = new Error('no frames');
  Error.stackTraceLimit = stackTraceLimit;
  assert.equal(errorRecord(bare), { name: 'Error', message: 'no frames' });
});

test('a code frame is read for the first that has a location', () => {
  const outer = new Error('outer', { cause: new Error('inner') });
  Reflect.deleteProperty(outer, 'stack');
  const framed = (record: ErrorRecord) => record.frame !== undefined;
  const record = errorRecord(outer, { frame: true });
  assert.equal([framed(record), framed(record.cause!)], [false, true]);
  assert.match(record.cause!.frame!, /^> +\d+ \| .*new Error\('inner'\)/m);
  assert.not(framed(errorRecord(outer).cause!));
});

test.run();
