/** Points of the curves: the rates of the time between two samples. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { barsOf, percentilesBetween, pointBetween, totalsOf } from '../../../lib/dashboard/rates.js';
import { Sampler } from '../../../lib/dashboard/sampler.js';
import type { Logger } from '../../../lib/logger.js';
import { bucketOf, HISTOGRAM_BUCKETS } from '../../../lib/memory/histogram.js';
import { FakeObserved } from '../../support/dashboard/fake-observed.js';
import { until } from '../../support/server/wait.js';

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {} };

function histogram(...durationsUs: number[]): Float64Array {
  const counts = new Float64Array(HISTOGRAM_BUCKETS);
  for (const us of durationsUs) counts[bucketOf(us)]!++;
  return counts;
}

test('rates are of the time between two samples, over all threads', () => {
  const observed = new FakeObserved();
  observed.clock = 1000;
  const before = totalsOf(observed.observe());
  observed.clock = 3000;
  const [one, other] = observed.seen.threads;
  Object.assign(one!.counters, { requests: 10, wakeUps: 3, accepted: 4, errors: 2, responses5xx: 1 });
  Object.assign(other!.counters, { requests: 30, wakeUps: 1, dropped: 6 });
  one!.bytesIn = 100;
  other!.bytesOut = 300;
  observed.took(1, 'promotions', 7, 8);
  const point = pointBetween(before, totalsOf(observed.observe()));
  assert.equal(point, {
    at: 3000,
    requests: 20,
    promotions: 4,
    bytesIn: 50,
    bytesOut: 150,
    accepted: 2,
    dropped: 3,
    errors: 1,
    wakeUpsPerRequest: 0.1,
    responseMs: null,
    queueMs: null,
    queue: null,
    promotionMs: { p50: 0.008, p90: 0.008, p99: 0.008, max: 0.008, count: 8 },
  });
});

test('two samples at the same time do not divide by zero', () => {
  const observed = new FakeObserved();
  observed.clock = 1000;
  const totals = totalsOf(observed.observe());
  const point = pointBetween(totals, totals);
  assert.equal(
    [point.requests, point.bytesIn, point.wakeUpsPerRequest, point.responseMs],
    [0, 0, null, null],
  );
});

test('totals are not changed by what the threads count later', () => {
  const observed = new FakeObserved();
  const before = totalsOf(observed.observe());
  observed.took(0, 'responses', 5);
  observed.took(0, 'loopDelays', 5);
  const now = totalsOf(observed.observe());
  assert.is(percentilesBetween(before.responses, now.responses)!.count, 1);
  assert.is(percentilesBetween(before.loopDelays[0]!, now.loopDelays[0]!)!.count, 1);
});

test('percentiles are of the values counted in between', () => {
  const before = histogram(5, 5, 5, 1000);
  const now = histogram(5, 5, 5, 1000, 2, 3, 3, 900_000);
  const found = percentilesBetween(before, now)!;
  assert.equal([found.p50, found.count], [0.004, 4]);
  assert.ok(found.p90 > 900 && found.p90 < 1000 && found.max === found.p99);
  assert.is(percentilesBetween(now, now), null);
});

test('bars leave out empty buckets', () => {
  assert.equal(barsOf(histogram(3, 3, 20)), [
    [0.004, 2],
    [0.021, 1],
  ]);
});

test('a sample is compared with the newest one that is nearly a second old', () => {
  const observed = new FakeObserved();
  observed.clock = 0;
  using sampler = new Sampler(observed, silent, []);
  const [thread] = observed.seen.threads;
  const rates: number[] = [];
  // 100 requests in each step of 100 ms of the first two seconds, then none.
  for (let step = 1; step <= 40; step++) {
    observed.clock = step * 100;
    if (step <= 20) {
      thread!.counters.requests += 100;
      thread!.timesMs[4]! += 50;
    }
    const { point, busy } = sampler.sample();
    rates.push(point.requests);
    if (step === 15) assert.is(busy[0], 0.5);
  }
  assert.is(rates[0], 1000);
  assert.is(rates[14], 1000);
  assert.ok(rates[24]! < 600 && rates[24]! > 300, `${rates[24]}`);
  assert.is(rates[39], 0);
});

test('the length of the queue is the largest of the last second', () => {
  const observed = new FakeObserved(2, 'half-sync-half-reactive');
  observed.clock = 0;
  using sampler = new Sampler(observed, silent, []);
  const lengths = [0, 7, 2, 0].map((current, step) => {
    observed.clock = step * 500;
    observed.seen.queue = { current, peak: 7, limit: 1024 };
    return sampler.sample().point.queue;
  });
  assert.equal(lengths, [0, 7, 7, 7]);
  observed.clock = 9000;
  assert.is(sampler.sample().point.queue, 0);
});

test('few threads are free only where others are occupied, not where they start', () => {
  for (const state of ['starting', 'processing'] as const) {
    const observed = new FakeObserved();
    using sampler = new Sampler(observed, silent, []);
    for (let at = 1000; at <= 2000; at += 100) {
      observed.clock = at;
      observed.seen.leaderSince = at;
      for (const thread of observed.seen.threads.slice(1)) Object.assign(thread, { state, since: 1 });
      sampler.sample();
    }
    const { reasons } = sampler.sample().health.verdict;
    assert.is(reasons.includes('few-free-threads'), state === 'processing', state);
  }
});

test('there is a point a second without any client, for at most five minutes', async () => {
  const observed = new FakeObserved();
  using sampler = new Sampler(observed, silent, []);
  await until('two points are there', () => sampler.history.length >= 2);
  const [one, other] = sampler.history;
  assert.ok(other!.at > one!.at);
});

test('a sample that fails is logged, and sampling continues', async () => {
  const observed = new FakeObserved();
  const logged: string[] = [];
  using sampler = new Sampler(observed, { ...silent, error: (message) => logged.push(message) }, []);
  const observe = observed.observe.bind(observed);
  observed.observe = () => {
    observed.observe = observe;
    throw new Error('no descriptor left');
  };
  await until('it has failed and gone on', () => sampler.history.length > 0);
  assert.equal(logged, ['the dashboard cannot show the server']);
});

test.run();
