/** Warnings: when each is shown, that it names the cause, and that it disappears with it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Shortage } from '../../../lib/dashboard/free-threads.js';
import { type Death, warningsOf } from '../../../lib/dashboard/warnings.js';
import { FakeObserved, routeOf } from '../../support/dashboard/fake-observed.js';

const AT = 1_700_000_000_000;

function look(
  change: (observed: FakeObserved) => void,
  deaths: Death[] = [],
  shortage: Shortage | null = null,
) {
  const observed = new FakeObserved();
  observed.clock = AT;
  observed.seen.leaderSince = AT - 10;
  for (const thread of observed.seen.threads) thread.since = AT - 10;
  change(observed);
  return warningsOf(observed.observe(), deaths, shortage);
}

const ids = (...args: Parameters<typeof look>): string[] => look(...args).map(({ id }) => id);

test('a server that serves has no warnings', () => {
  assert.equal(
    look(() => {}),
    [],
  );
});

test('a set without a leader is warned of when events wait for more than 50 ms', () => {
  const leaderless = (ms: number, ready: number) => (observed: FakeObserved) => {
    observed.seen.leader = -1;
    observed.seen.ready = { current: ready, peak: ready, limit: 512 };
    for (const thread of observed.seen.threads)
      Object.assign(thread, { state: 'processing', since: AT - ms });
  };
  assert.equal(ids(leaderless(60, 3)), ['no-leader']);
  assert.equal(ids(leaderless(40, 3)), []);
  assert.equal(ids(leaderless(60, 0)), []);
  assert.match(look(leaderless(60, 1))[0]!.what, /^Nobody has led for 60 ms while 1 event waits\.$/);
  // A thread changed its state a moment ago, so it may have led until then.
  const churning = (observed: FakeObserved) => {
    leaderless(60, 3)(observed);
    observed.seen.threads[2]!.since = AT - 1;
  };
  assert.equal(ids(churning), []);
});

test('all threads inside handlers are warned of once they stay inside', () => {
  const blocked =
    (ms: number, state: 'processing' | 'dead' = 'processing') =>
    (observed: FakeObserved) => {
      observed.seen.leader = -1;
      for (const thread of observed.seen.threads)
        Object.assign(thread, { state: 'processing', since: AT - ms });
      observed.seen.threads[3]!.state = state;
    };
  assert.equal(ids(blocked(300)), ['all-blocked']);
  assert.match(look(blocked(300))[0]!.what, /^All 4 threads have been inside handlers for 300 ms/);
  assert.match(look(blocked(300, 'dead'))[0]!.what, /^All 3 threads/);
  assert.equal(ids(blocked(100)), []);
  const oneFollows = (observed: FakeObserved) => {
    blocked(300)(observed);
    observed.seen.threads[1]!.state = 'follower';
  };
  assert.equal(ids(oneFollows), []);
});

test('a handler that occupies its thread for longer than a second is named by its route', () => {
  const long = (observed: FakeObserved) => {
    Object.assign(observed.seen.threads[2]!, {
      state: 'processing',
      since: AT - 3210,
      connection: 31,
      route: 'GET /report?year=2026',
    });
  };
  assert.equal(ids(long), ['long-handler']);
  assert.is(look(long)[0]!.what, 'Thread 2 has been inside GET /report?year=2026 for 3.2 s.');
  const two = (observed: FakeObserved) => {
    long(observed);
    Object.assign(observed.seen.threads[1]!, { state: 'processing', since: AT - 1500 });
  };
  assert.is(
    look(two)[0]!.what,
    'Thread 2 has been inside GET /report?year=2026 for 3.2 s, and 1 other thread more than 1.0 s.',
  );
  const raw = (observed: FakeObserved) => {
    Object.assign(observed.seen.threads[2]!, { state: 'processing', since: AT - 1200, connection: 31 });
  };
  assert.match(look(raw)[0]!.what, /the handler of connection 31/);
  const follower = (observed: FakeObserved) => {
    Object.assign(observed.seen.threads[2]!, { state: 'follower', since: AT - 9000 });
  };
  assert.equal(ids(follower), []);
});

test('a handler whose route was learned is warned of with what is known of the route', () => {
  const long = (observed: FakeObserved) => {
    Object.assign(observed.seen.threads[2]!, {
      state: 'processing',
      since: AT - 3210,
      connection: 31,
      route: 'GET /report/17?year=2026',
      learned: routeOf('GET /report/*', { typicalMs: 2900, longestMs: 4100 }),
    });
    Object.assign(observed.seen.threads[1]!, { state: 'processing', since: AT - 1500 });
  };
  assert.is(
    look(long)[0]!.what,
    'Thread 2 has been inside GET /report/17?year=2026 for 3.2 s (GET /report/* typically holds its thread for 2.9 s, and at most for 4.1 s so far), and 1 other thread more than 1.0 s.',
  );
});

test('a shortage of free threads is warned of with the routes that block', () => {
  const engaged =
    (...threads: number[]) =>
    (observed: FakeObserved) => {
      for (const thread of threads) observed.seen.threads[thread]!.engaged = true;
      observed.seen.engaged = threads.length;
    };
  assert.is(
    look(engaged(0, 1, 2), [], { ms: 3210, routes: ['GET /block'] })[0]!.what,
    'All free threads are used up: for 3.2 s each thread has been engaged (3) or inside a handler (1), and GET /block blocks threads on which other requests wait.',
  );
  assert.is(
    look(engaged(0, 1, 2, 3), [], { ms: 210, routes: ['GET /a', 'GET /b', 'GET /c'] })[0]!.what,
    'All free threads are used up: for 210 ms each thread has been engaged, and GET /a and 2 other routes block threads on which other requests wait.',
  );
});

test('a resource that is more than 80 % full is warned of', () => {
  for (const [name, id] of [
    ['ready', 'ready-list'],
    ['connections', 'connections'],
    ['descriptors', 'descriptors'],
    ['pool', 'pool'],
  ] as const) {
    const filled = (current: number) => (observed: FakeObserved) => {
      observed.seen[name] = { current, peak: current, limit: 100 };
    };
    assert.equal(ids(filled(81)), [id]);
    assert.equal(ids(filled(80)), []);
    assert.match(look(filled(90))[0]!.what, /90 % full: 90 of 100/);
  }
});

test('a death is shown for ten seconds, with its reason', () => {
  const death = (ms: number, thread = 1): Death => ({ thread, at: AT - ms, reason: 'boom' });
  assert.equal(
    ids(() => {}, [death(9000)]),
    ['thread-died'],
  );
  assert.equal(
    ids(() => {}, [death(11_000)]),
    [],
  );
  assert.is(look(() => {}, [death(9000)])[0]!.what, 'Thread 1 died 9.0 s ago: boom.');
  assert.match(look(() => {}, [death(9000), death(10, 3)])[0]!.what, /^Thread 3 died 10 ms ago \(2 deaths/);
  assert.is(look(() => {}, [{ thread: 1, at: AT, reason: '' }])[0]!.what, 'Thread 1 died 0 ms ago.');
});

test('every warning is a sentence with advice', () => {
  const everything = look(
    (observed) => {
      const full = { current: 100, peak: 100, limit: 100 };
      Object.assign(observed.seen, {
        leader: -1,
        ready: full,
        connections: full,
        descriptors: full,
        pool: full,
      });
      for (const thread of observed.seen.threads)
        Object.assign(thread, { state: 'processing', since: AT - 2000 });
    },
    [{ thread: 0, at: AT, reason: '' }],
    { ms: 300, routes: ['GET /block'] },
  );
  assert.is(everything.length, 9);
  assert.is(new Set(everything.map(({ id }) => id)).size, 9);
  for (const { what, advice } of everything) {
    assert.match(what, /^[A-Z].*\.$/);
    assert.match(advice, /^[A-Z].*\.$/);
  }
});

test.run();
