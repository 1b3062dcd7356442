/** The rules of health: for each situation the verdict and the warnings, and that both go with their cause. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Circumstances, type Health, healthOf, heldMs, isFew } from '../../../lib/observe/health.js';
import type { Death } from '../../../lib/observe/verdict.js';
import { FakeObserved, routeOf } from '../../support/dashboard/fake-observed.js';

const AT = 1_700_000_000_000;
const CALM: Circumstances = {
  busy: [],
  requests: 0,
  errors: 0,
  fewFreeMs: 0,
  shortage: null,
  deaths: [],
  before: null,
};

type Change = (observed: FakeObserved) => void;

function look(change: Change, circumstances: Partial<Circumstances> = {}, threads = 4): Health {
  const observed = new FakeObserved(threads);
  observed.clock = AT;
  observed.seen.leaderSince = AT - 10;
  for (const thread of observed.seen.threads) thread.since = AT - 10;
  change(observed);
  return healthOf(observed.observe(), { ...CALM, ...circumstances });
}

/** Threads are inside a handler for so long. The last of them was the leader, if all are. */
const held =
  (holds: Readonly<Record<number, number>>, route = 'GET /render?page=*', waiting = 0): Change =>
  ({ seen }) => {
    for (const [id, ms] of Object.entries(holds)) {
      const since = AT - ms;
      Object.assign(seen.threads[Number(id)]!, {
        state: 'processing',
        since,
        route,
        requestSince: since,
        connection: 31,
      });
    }
    seen.waiting = waiting;
    seen.leader = seen.threads.findIndex(({ state }) => state === 'leader');
    if (seen.leader < 0) seen.leaderSince = Math.max(...seen.threads.map(({ since }) => since));
  };

const full =
  (name: 'ready' | 'connections' | 'descriptors' | 'pool', current: number): Change =>
  ({ seen }) => {
    seen[name] = { current, peak: current, limit: 100 };
  };

const both =
  (...changes: Change[]): Change =>
  (observed) => {
    for (const change of changes) change(observed);
  };

const state =
  (name: 'dead' | 'starting', ...threads: number[]): Change =>
  ({ seen }) => {
    for (const id of threads) seen.threads[id]!.state = name;
  };

const death = (ms: number, thread = 1): Death => ({ thread, at: AT - ms, reason: 'boom' });
const nothing: Change = () => {};
const all = (ms: number) => ({ 0: ms, 1: ms, 2: ms, 3: ms });

const TABLE: readonly [what: string, health: Health, text: string, reasons: readonly string[]][] = [
  ['an idle server', look(nothing), 'Healthy: 4 of 4 threads free', []],
  ['one thread', look(nothing, {}, 1), 'Healthy: 1 of 1 thread free', []],
  ['a handler that has begun', look(held({ 2: 49 })), 'Healthy: 4 of 4 threads free', []],
  ['a handler that holds its thread', look(held({ 2: 51 })), 'Healthy: 3 of 4 threads free', []],
  [
    'a thread that processes all the time',
    look(nothing, { busy: [0, 0.9, 0.89, 0] }),
    'Healthy: 3 of 4 threads free',
    [],
  ],
  [
    'a long handler',
    look(held({ 2: 3210 })),
    'Degraded: thread 2 held by GET /render?page=* for 3.2 s; 3 of 4 threads free',
    ['long-handler'],
  ],
  [
    'work of an event loop',
    look(held({ 2: 3210 }, '')),
    'Degraded: thread 2 held by the handler of connection 31 for 3.2 s; 3 of 4 threads free',
    ['long-handler'],
  ],
  ['all threads held for a moment', look(held(all(199))), 'Healthy: 0 of 4 threads free', []],
  [
    'all threads held for longer',
    look(held(all(300), 'GET /render', 1)),
    'Degraded: all 4 threads held by GET /render for 300 ms; 0 of 4 threads free; 1 request waits',
    ['all-blocked'],
  ],
  [
    'all threads held, the last since a second',
    look(held({ 0: 9000, 1: 8000, 2: 7000, 3: 999 }, 'GET /render', 3)),
    'Degraded: all 4 threads held by GET /render for 999 ms; 0 of 4 threads free; 3 requests wait',
    ['all-blocked'],
  ],
  [
    'an outage',
    look(held({ 0: 9000, 1: 8000, 2: 7000, 3: 6100 }, 'GET /render?page=*', 212), { fewFreeMs: 6000 }),
    'Outage: all 4 threads held by GET /render for 6.1 s; 212 requests wait',
    ['all-blocked'],
  ],
  [
    'an outage by several routes',
    look(both(held({ 0: 2000 }, 'GET /a'), held({ 1: 2000, 2: 2000 }, 'GET /b'), held({ 3: 2000 }, ''))),
    'Outage: all 4 threads held by GET /b and 1 other route for 2.0 s; no request waits',
    ['all-blocked'],
  ],
  [
    'an outage by requests of one route that is not known yet',
    look(both(held({ 0: 2000, 1: 2000 }, 'GET /users/1?page=*'), held({ 2: 2000, 3: 2000 }, 'GET /users/2'))),
    'Outage: all 4 threads held by GET /users/* for 2.0 s; no request waits',
    ['all-blocked'],
  ],
  [
    'an outage of one thread',
    look(held({ 0: 1000 }, 'GET /render', 1), {}, 1),
    'Outage: the only thread held by GET /render for 1.0 s; 1 request waits',
    ['all-blocked'],
  ],
  [
    'all living threads held',
    look(both(held({ 0: 1500, 1: 1500, 2: 1500 }, ''), state('dead', 3))),
    'Outage: all 3 threads that run held by handlers for 1.5 s; no request waits',
    ['all-blocked'],
  ],
  [
    'the only living thread held, after deaths',
    look(both(held({ 0: 300 }, 'GET /render'), state('starting', 1, 2, 3)), { deaths: [death(500)] }),
    'Degraded: the only thread that runs held by GET /render for 300 ms, and 1 other problem; 0 of 4 threads free',
    ['all-blocked', 'thread-died'],
  ],
  [
    'the first thread held, while the others load',
    look(both(held({ 0: 1500 }), state('starting', 1, 2, 3))),
    'Outage: the only thread that runs held by GET /render for 1.5 s; no request waits',
    ['all-blocked'],
  ],
  [
    'no thread',
    look(state('dead', 0, 1, 2, 3), { deaths: [death(1000, 3)] }),
    'Outage: no thread runs, all 4 are dead; no request waits',
    ['no-thread'],
  ],
  [
    'no thread yet',
    look(both(state('dead', 0, 1), state('starting', 2, 3))),
    'Outage: no thread runs, all 4 are dead or starting; no request waits',
    ['no-thread'],
  ],
  [
    'threads that are about to join for the first time',
    look(state('starting', 0, 1, 2, 3)),
    'Healthy: 0 of 4 threads free',
    [],
  ],
  [
    'a replacement for the only thread',
    look(state('starting', 0), { deaths: [death(60_000)] }, 1),
    'Outage: no thread runs, the only one is dead or starting; no request waits',
    ['no-thread'],
  ],
  [
    'few free threads',
    look(held({ 0: 600, 1: 600, 2: 600 }, 'GET /render', 2), { fewFreeMs: 500 }),
    'Degraded: few threads free for 500 ms, 3 held by GET /render; 1 of 4 threads free; 2 requests wait',
    ['few-free-threads'],
  ],
  [
    'few free threads, of which some are busy',
    look(nothing, { fewFreeMs: 1500, busy: [1, 1, 1, 0] }),
    'Degraded: few threads free for 1.5 s; 1 of 4 threads free',
    ['few-free-threads'],
  ],
  [
    'several long handlers',
    look(both(held({ 2: 3210, 1: 1500 }, 'GET /a'), held({ 0: 2000 }, 'GET /b')), {}, 8),
    'Degraded: 3 threads held by GET /a and 1 other route for up to 3.2 s; 5 of 8 threads free',
    ['long-handler'],
  ],
  [
    'few free threads for a moment',
    look(held({ 0: 99, 1: 99, 2: 99 }), { fewFreeMs: 499 }),
    'Healthy: 1 of 4 threads free',
    [],
  ],
  [
    'a death',
    look(state('starting', 1), { deaths: [death(900)] }),
    'Degraded: thread 1 died 900 ms ago; 3 of 4 threads free',
    ['thread-died'],
  ],
  ['a death of long ago', look(nothing, { deaths: [death(10_001)] }), 'Healthy: 4 of 4 threads free', []],
  ['a few errors', look(nothing, { requests: 4, errors: 4 }), 'Healthy: 4 of 4 threads free', []],
  ['few of many', look(nothing, { requests: 1000, errors: 99 }), 'Healthy: 4 of 4 threads free', []],
  [
    'many errors',
    look(nothing, { requests: 1000, errors: 100 }),
    'Degraded: 10 % of requests fail; 4 of 4 threads free',
    ['errors'],
  ],
  ['connections below the limit', look(full('connections', 80)), 'Healthy: 4 of 4 threads free', []],
  [
    'connections near the limit',
    look(full('connections', 81)),
    'Degraded: the table of connections is 81 % full; 4 of 4 threads free',
    ['connections'],
  ],
  [
    'descriptors near the limit',
    look(full('descriptors', 100)),
    'Degraded: the table of open files is 100 % full; 4 of 4 threads free',
    ['descriptors'],
  ],
  [
    'a full ready list',
    look(full('ready', 90)),
    'Degraded: the ready list is 90 % full; 4 of 4 threads free',
    ['ready-list'],
  ],
  [
    'a full pool, and a death',
    look(full('pool', 90), { deaths: [death(1)] }),
    'Degraded: the memory for unfinished request heads is 90 % full, and 1 other problem; 4 of 4 threads free',
    ['pool', 'thread-died'],
  ],
  [
    'a shortage of free threads',
    look(nothing, { shortage: { ms: 300, routes: ['GET /a', 'GET /b'] } }),
    'Degraded: GET /a and 1 other route block threads on which other requests wait; 4 of 4 threads free',
    ['no-free-thread'],
  ],
  [
    'a server that closes',
    look(({ seen }) => {
      seen.set = 'draining';
    }),
    'Degraded: the server is closing; 4 of 4 threads free',
    [],
  ],
];

for (const [what, { verdict, warnings }, text, reasons] of TABLE) {
  test(`${what}: ${text}`, () => {
    assert.is(verdict.text, text);
    assert.is(verdict.level, text.split(':', 1)[0]!.toLowerCase());
    assert.equal(verdict.reasons, reasons);
    // Each reason is a warning; in an outage there may be others, which do not make it one.
    const ids: string[] = warnings.map(({ id }) => id);
    assert.equal(ids.slice(0, reasons.length), reasons, 'the warnings say the same');
    if (verdict.level !== 'outage') assert.is(ids.length, reasons.length);
  });
}

test('a warning that another one implies is left out, and of the others all are given', () => {
  const ids = (change: Change, circumstances: Partial<Circumstances>): string[] =>
    look(change, circumstances).warnings.map(({ id }) => id);
  const shortage = { ms: 2000, routes: ['GET /render'] };
  const queued: Change = ({ seen }) => {
    seen.ready = { current: 3, peak: 3, limit: 512 };
  };
  const problems = { fewFreeMs: 2000, shortage, deaths: [death(500)] };
  assert.equal(ids(both(held(all(2000)), queued), problems), ['all-blocked', 'thread-died']);
  assert.equal(ids(held({ 0: 2000, 1: 2000, 2: 2000 }), problems), [
    'no-free-thread',
    'long-handler',
    'thread-died',
  ]);
  assert.equal(ids(both(state('dead', 0, 1, 2, 3), queued), { ...problems, shortage: null }), [
    'no-thread',
    'thread-died',
  ]);
});

test('few free threads are told with their number, and with what holds the others', () => {
  const what = (threads: number, change: Change): string =>
    look(change, { fewFreeMs: 2500 }, threads).warnings[0]!.what;
  assert.is(
    what(4, held({ 0: 900, 1: 900, 2: 900 })),
    'At most 1 thread of 4 has been free for 2.5 s; 3 are held by GET /render.',
  );
  assert.is(
    what(20, held({ 3: 900 })),
    'At most 2 threads of 20 have been free for 2.5 s; 1 is held by GET /render.',
  );
  assert.is(what(2, nothing), 'No thread of 2 has been free for 2.5 s.');
});

test('a level keeps its time as long as it stays the same', () => {
  const before = { level: 'degraded', text: '', since: AT - 5000, reasons: [] } as const;
  assert.is(look(full('pool', 90), { before }).verdict.since, AT - 5000);
  assert.is(look(nothing, { before }).verdict.since, AT);
  assert.is(look(nothing).verdict.since, AT);
});

test('a hold is that of the present request', () => {
  const { seen } = new FakeObserved();
  const thread = {
    ...seen.threads[0]!,
    state: 'processing',
    since: AT - 9000,
    requestSince: AT - 2900,
  } as const;
  assert.is(heldMs(thread, AT), 2900);
  assert.is(heldMs({ ...thread, requestSince: 0 }, AT), 9000);
  assert.is(heldMs({ ...thread, state: 'follower' }, AT), 0);
});

test('one free thread is few if there are several, and of many a tenth', () => {
  const few = [1, 2, 3, 4, 20, 64].map((threads) =>
    [0, 1, 2, 3, 6, 7].filter((free) => isFew(free, threads)),
  );
  assert.equal(few, [[0], [0], [0, 1], [0, 1], [0, 1, 2], [0, 1, 2, 3, 6]]);
});

test('a set without a leader is warned of when events wait for more than 50 ms', () => {
  const leaderless = (ms: number, ready: number) =>
    look(({ seen }) => {
      seen.leader = -1;
      seen.leaderSince = AT - ms;
      seen.ready = { current: ready, peak: ready, limit: 512 };
    });
  assert.equal(leaderless(60, 3).verdict.reasons, ['no-leader']);
  assert.equal(leaderless(40, 3).warnings, []);
  assert.equal(leaderless(60, 0).warnings, []);
  assert.is(leaderless(60, 1).warnings[0]!.what, 'Nobody has led for 60 ms while 1 event waits.');
  assert.is(leaderless(60, 2).verdict.text, 'Degraded: nobody has led for 60 ms; 4 of 4 threads free');
});

test('a handler that occupies its thread is warned of with its request, and with what is known of its route', () => {
  const what = (change: Change): string => look(change).warnings[0]!.what;
  const one = held({ 2: 3210 }, 'GET /report/17?year=*');
  const known: Change = ({ seen }) => {
    seen.threads[2]!.learned = routeOf('GET /report/*', { typicalMs: 2900, longestMs: 4100 });
  };
  assert.is(what(one), 'Thread 2 has been inside GET /report/17?year=* for 3.2 s.');
  assert.is(
    what(both(one, held({ 1: 1500 }))),
    'Thread 2 has been inside GET /report/17?year=* for 3.2 s, and 1 other thread more than 1 s.',
  );
  assert.is(
    what(both(one, known)),
    'Thread 2 has been inside GET /report/17?year=* for 3.2 s (GET /report/* typically holds its thread for 2.9 s, and at most for 4.1 s so far).',
  );
});

test('a shortage of free threads is warned of with the routes that block', () => {
  const what = (engaged: number[], ms: number, routes: string[]): string =>
    look(
      ({ seen }) => {
        for (const thread of engaged) seen.threads[thread]!.engaged = true;
      },
      { shortage: { ms, routes } },
    ).warnings[0]!.what;
  assert.is(
    what([0, 1, 2], 3210, ['GET /block']),
    'All free threads are used up: for 3.2 s each thread has been engaged (3) or inside a handler (1), and GET /block blocks threads on which other requests wait.',
  );
  assert.is(
    what([0, 1, 2, 3], 210, ['GET /a', 'GET /b', 'GET /c']),
    'All free threads are used up: for 210 ms each thread has been engaged, and GET /a and 2 other routes block threads on which other requests wait.',
  );
});

test('a death is warned of with its reason', () => {
  const what = (...deaths: Death[]): string => look(nothing, { deaths }).warnings[0]!.what;
  assert.is(what(death(9000)), 'Thread 1 died 9.0 s ago: boom.');
  assert.match(what(death(9000), death(10, 3)), /^Thread 3 died 10 ms ago \(2 deaths within 10 s\): boom\.$/);
  assert.is(what({ thread: 1, at: AT, reason: '' }), 'Thread 1 died 0 ms ago.');
});

test('every warning is a sentence with advice', () => {
  const leaderless: Change = ({ seen }) => Object.assign(seen, { leader: -1, leaderSince: AT - 100 });
  const limits = (['ready', 'connections', 'descriptors', 'pool'] as const).map((name) => full(name, 100));
  const warnings = [
    look(both(held({ 0: 2000 }), leaderless, ...limits), {
      deaths: [death(0)],
      shortage: { ms: 300, routes: ['GET /block'] },
      requests: 5,
      errors: 5,
    }),
    look(held(all(2000))),
    look(nothing, { fewFreeMs: 2000 }),
    look(state('dead', 0, 1, 2, 3)),
  ].flatMap((health) => health.warnings);
  assert.is(new Set(warnings.map(({ id }) => id)).size, 12);
  for (const { what, advice } of warnings) {
    assert.match(what, /^[A-Z].*\.$/);
    assert.match(advice, /^[A-Z].*\.$/);
  }
});

test.run();
