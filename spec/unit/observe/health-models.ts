/** The rules of health in the models in which threads do not lead in turn: who can be free, and what stalls everything. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Circumstances, type Health, healthOf } from '../../../lib/observe/health.js';
import type { StrategyName } from '../../../lib/strategies/descriptions.js';
import { FakeObserved } from '../../support/dashboard/fake-observed.js';

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
const WITH_IO_THREAD = ['half-sync-half-reactive', 'half-sync-half-async', 'simulated-proactor'] as const;

type Change = (observed: FakeObserved) => void;

/** A set of four threads, or of one for a reactor. */
function look(strategy: StrategyName, change: Change, circumstances: Partial<Circumstances> = {}): Health {
  const observed = new FakeObserved(strategy === 'reactor' ? 1 : 4, strategy);
  observed.clock = AT;
  for (const thread of observed.seen.threads) thread.since = AT - 10;
  change(observed);
  return healthOf(observed.observe(), { ...CALM, ...circumstances });
}

const nothing: Change = () => {};

/** Threads are inside a handler for so long. */
const held =
  (holds: Readonly<Record<number, number>>, route = 'GET /render'): Change =>
  ({ seen }) => {
    for (const [id, ms] of Object.entries(holds)) {
      const since = AT - ms;
      Object.assign(seen.threads[Number(id)]!, { state: 'processing', since, requestSince: since, route });
    }
    if (seen.threads[0]!.state !== 'leader')
      Object.assign(seen, { leader: -1, leaderSince: seen.threads[0]!.since });
  };

/** The thread that waits for events is in another state. */
const first =
  (state: 'dead' | 'starting' | 'processing', ms = 10): Change =>
  ({ seen }) => {
    Object.assign(seen.threads[0]!, { state, since: AT - ms });
    Object.assign(seen, { leader: -1, leaderSince: AT - ms });
  };

const died = (ms: number, thread = 0) => ({ deaths: [{ thread, at: AT - ms, reason: 'boom' }] });

for (const strategy of WITH_IO_THREAD) {
  test(`${strategy}: only workers are free, and all of them held is an outage`, () => {
    assert.is(look(strategy, nothing).verdict.text, 'Healthy: 3 of 3 workers free');
    assert.is(look(strategy, nothing, { busy: [1, 0, 0, 0.9] }).free, 2);
    assert.is(look(strategy, held({ 1: 300, 2: 300 })).verdict.text, 'Healthy: 1 of 3 workers free');
    assert.is(
      look(strategy, held({ 1: 300, 2: 300, 3: 300 })).verdict.text,
      'Degraded: all 3 workers held by GET /render for 300 ms; 0 of 3 workers free',
    );
    const { verdict, warnings } = look(strategy, held({ 1: 2000, 2: 2000, 3: 1500 }));
    assert.is(verdict.text, 'Outage: all 3 workers held by GET /render for 1.5 s; no request waits');
    assert.match(warnings[0]!.what, /^All 3 workers have been held by GET \/render for 1\.5 s or longer/);
  });

  test(`${strategy}: a long handler and a death are those of a worker`, () => {
    const { verdict, warnings } = look(strategy, held({ 2: 3200 }));
    assert.is(verdict.text, 'Degraded: worker 2 held by GET /render for 3.2 s; 2 of 3 workers free');
    assert.match(warnings[0]!.what, /^Worker 2 has been inside GET \/render for 3\.2 s\.$/);
    assert.match(look(strategy, nothing, died(900, 1)).verdict.text, /^Degraded: worker 1 died 900 ms ago;/);
  });

  test(`${strategy}: no worker runs`, () => {
    const dead: Change = ({ seen }) => {
      for (const thread of seen.threads.slice(1)) thread.state = 'dead';
    };
    assert.is(look(strategy, dead).verdict.text, 'Outage: no worker runs, all 3 are dead; no request waits');
  });

  test(`${strategy}: while the one thread accepts or queues, events in the ready list are no problem`, () => {
    const busy: Change = (observed) => {
      first('processing', 40)(observed);
      observed.seen.ready = { current: 3, peak: 3, limit: 512 };
    };
    assert.equal(look(strategy, busy).warnings, []);
  });
}

const STALLS: readonly [StrategyName, role: string, stalls: string, level: 'degraded' | 'outage'][] = [
  ['half-sync-half-reactive', 'reactor', 'nothing is received', 'outage'],
  ['half-sync-half-async', 'acceptor', 'no connection is accepted', 'degraded'],
  ['simulated-proactor', 'proactor', 'nothing is received or sent', 'outage'],
];

for (const [strategy, role, stalls, level] of STALLS) {
  test(`${strategy}: without its ${role} ${stalls}`, () => {
    const at = (ms: number, state: 'dead' | 'starting') => look(strategy, first(state), died(ms)).verdict;
    assert.equal(at(100, 'dead').reasons, ['io-thread', 'thread-died']);
    assert.match(
      at(100, 'dead').text,
      new RegExp(`^Degraded: the ${role} is dead, ${stalls}, and 1 other problem;`),
    );
    assert.is(at(1000, 'starting').level, level);
    assert.match(at(1000, 'starting').text, new RegExp(`the ${role} starts again, ${stalls}`));
  });

  test(`${strategy}: its ${role} is held by its own event loop`, () => {
    assert.equal(look(strategy, first('processing', 199)).warnings, []);
    const held = (ms: number) => look(strategy, first('processing', ms));
    assert.is(held(300).verdict.level, 'degraded');
    assert.equal(held(300).verdict.reasons, ['io-thread']);
    assert.is(held(300).free, 3);
    assert.is(held(1200).verdict.level, level);
    assert.is(
      held(1200).warnings[0]!.what,
      `The ${role} is held by work of its own event loop for 1.2 s, ${stalls}.`,
    );
  });
}

test('a first thread that starts with the server, or ends with it, is no loss', () => {
  const starting = look('half-sync-half-reactive', first('starting'));
  assert.is(starting.verdict.level, 'healthy');
  const stopping = look('half-sync-half-reactive', (observed) => {
    first('dead')(observed);
    observed.seen.set = 'stopping';
  });
  assert.equal(stopping.warnings, []);
});

test('a reactor is busy while it processes, and that nobody waits for events meanwhile is no problem of its own', () => {
  const queued: Change = (observed) => {
    held({ 0: 150 })(observed);
    observed.seen.ready = { current: 3, peak: 3, limit: 512 };
  };
  assert.is(look('reactor', nothing).verdict.text, 'Healthy: 1 of 1 thread free');
  assert.is(look('reactor', queued).verdict.text, 'Healthy: 0 of 1 thread free');
});

test('a reactor is held: the advice is another model, not more threads', () => {
  const blocked = look('reactor', held({ 0: 1500 }));
  assert.is(blocked.verdict.text, 'Outage: the only thread held by GET /render for 1.5 s; no request waits');
  for (const { warnings } of [blocked, look('reactor', nothing, { fewFreeMs: 1000, busy: [1] })]) {
    assert.match(warnings[0]!.advice, /--strategy/);
    assert.not.match(warnings[0]!.advice, /--threads/);
  }
});

test('a request queue that is nearly full is a problem', () => {
  const full: Change = ({ seen }) => {
    seen.queue = { current: 900, peak: 1000, limit: 1024 };
  };
  const { verdict, warnings } = look('half-sync-half-reactive', full);
  assert.is(verdict.text, 'Degraded: the request queue is 87 % full; 3 of 3 workers free');
  assert.equal(
    warnings.map(({ what }) => what),
    ['The request queue is 87 % full: 900 of 1024 requests.'],
  );
});

test('half-sync-half-async: what waits for a held worker is told, even while others are free', () => {
  const waits =
    (waiting: number): Change =>
    (observed) => {
      held({ 2: 400 })(observed);
      observed.seen.threads[2]!.own = { connections: 5, waiting };
    };
  assert.equal(look('half-sync-half-async', waits(0)).warnings, []);
  const { verdict, warnings } = look('half-sync-half-async', waits(3));
  assert.is(
    verdict.text,
    'Degraded: 3 requests wait for worker 2, held by GET /render for 400 ms; 2 of 3 workers free',
  );
  assert.is(
    warnings[0]!.what,
    'Worker 2 has been held by GET /render for 400 ms, and 3 requests wait on its 5 connections meanwhile, whatever the other workers do.',
  );
  assert.match(warnings[0]!.advice, /--strategy/);
});

test.run();
