import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorRecord } from '../../../lib/report/error-record.js';
import { recordError } from '../../../lib/report/record-error.js';

test('a record becomes an error of its class again, with stack, code, cause and parts', () => {
  class Refusal extends Error {}
  const record = errorRecord(
    Object.assign(new Refusal('no', { cause: new AggregateError([new RangeError('far')], 'all') }), {
      code: 'E_NO',
    }),
  );
  const error = recordError(structuredClone(record)) as Error & { code?: unknown; cause: AggregateError };
  assert.instance(error, Error);
  assert.equal(
    [error.name, error.constructor.name, error.message, error.code],
    ['Refusal', 'Refusal', 'no', 'E_NO'],
  );
  assert.is(error.stack, `Refusal [E_NO]: no\n${record.stack}`);
  assert.instance(error.cause, AggregateError);
  assert.instance(error.cause.errors[0], RangeError);
  assert.equal(Object.keys(error), ['code']);
});

test('its record and its JSON are the record that it was made of', () => {
  const record = { name: 'TypeError', message: 'no', location: { file: '/a.js', line: 1, column: 2 } };
  const error = recordError(record);
  assert.is(errorRecord(error), record);
  assert.equal(JSON.parse(JSON.stringify({ error })), { error: record });
});

test('a cause that was no error is text', () => {
  const { cause } = recordError(errorRecord(new Error('outer', { cause: { id: 5 } })));
  assert.is(cause, '{ id: 5 }');
});

test.run();
