import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type LogEntry, LogLimiter, type LogLimits, lineOf } from '../../../lib/thread/log-limiter.js';
import { until } from '../../support/server/wait.js';

const LIMITS: LogLimits = { maxPerKind: 3, maxTotal: 10, maxKinds: 4, periodMs: 20 };
/** No period of it ends while a spec runs. */
const ENDLESS: LogLimits = { ...LIMITS, periodMs: 3_600_000 };

function limiter(limits: LogLimits) {
  const sent: LogEntry[] = [];
  const state = { ready: true, prepared: 0 };
  const limited = new LogLimiter(
    {
      ready: () => state.ready,
      send: (entry) => sent.push(entry),
      prepare: (fields) => {
        state.prepared++;
        return fields;
      },
    },
    limits,
  );
  return { limited, sent, state };
}

const total = (entries: readonly LogEntry[]) => entries.reduce((sum, { more }) => sum + 1 + more, 0);

test('a few of a kind are sent whole, and what is beyond is one entry with the fields of the first left out', () => {
  const { limited, sent, state } = limiter(ENDLESS);
  for (let count = 0; count < 5000; count++) limited.log('error', 'it failed', { count });
  assert.equal(
    sent.map(({ fields }) => fields.count),
    [0, 1, 2],
  );
  limited.flush();
  assert.equal(sent[3], { level: 'error', message: 'it failed', fields: { count: 3 }, more: 4996 });
  assert.is(lineOf(sent[3]!), 'it failed, and 4,996 more like it');
  assert.is(sent.length, 4);
  assert.is(state.prepared, 4, 'what is only counted is never described');
});

test('messages are told apart by level, text and the first line of the error', () => {
  const { limited, sent } = limiter(ENDLESS);
  for (let round = 0; round < 9; round++) {
    limited.log('error', 'it failed', { error: new Error('one\nwith a second line') });
    limited.log('error', 'it failed', { error: new Error(`one\n${round}`) });
    limited.log('error', 'it failed', { error: 'two' });
  }
  limited.flush();
  assert.equal(
    sent.filter(({ more }) => more > 0).map(({ more }) => more),
    [14, 5],
  );
});

test('kinds are bounded, and so is the sum of what is sent whole; nothing is lost from the count', () => {
  const { limited, sent } = limiter(ENDLESS);
  for (let user = 0; user < 1000; user++) {
    limited.log('error', `no user ${user}`, {});
    limited.log('warn', `no user ${user}`, {});
  }
  limited.flush();
  assert.is(total(sent), 2000);
  assert.ok(sent.length <= LIMITS.maxTotal + LIMITS.maxKinds + 2, `${sent.length} entries`);
});

test('errors that answer no question are a kind as well', () => {
  const { limited, sent } = limiter(ENDLESS);
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('no');
      },
    },
  );
  for (const error of [hostile, null, undefined, Symbol('x'), 1n, { message: 5 }, () => {}]) {
    limited.log('error', 'it failed', { error });
  }
  limited.flush();
  assert.is(total(sent), 7);
});

test('what was counted is told when the period ends, and the next burst is sent whole again', async () => {
  const { limited, sent } = limiter(LIMITS);
  for (let round = 1; round <= 3; round++) {
    const before = sent.length;
    for (let count = 0; count < 100; count++) limited.log('error', 'it failed', {});
    await until('all are told', () => total(sent) === round * 100);
    assert.ok(sent.length - before >= 4);
  }
});

test('a sink that is not ready gets nothing, and everything later', async () => {
  const { limited, sent, state } = limiter(LIMITS);
  state.ready = false;
  for (let count = 0; count < 100; count++) limited.log('error', 'it failed', { count });
  // Several periods.
  await new Promise((resolve) => setTimeout(resolve, LIMITS.periodMs * 5));
  assert.is(sent.length, 0);
  state.ready = true;
  await until('it is told', () => sent.length === 1);
  assert.is(total(sent), 100);
  assert.equal(sent[0]!.fields, { count: 0 });
});

test('an entry may stand for others already', () => {
  const { limited, sent } = limiter(ENDLESS);
  for (let count = 0; count < 10; count++) limited.log('error', 'it failed', {}, 99);
  limited.flush();
  assert.is(total(sent), 1000);
});

test.run();
