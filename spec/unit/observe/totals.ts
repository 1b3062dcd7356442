/** 32-bit words shown as totals that never wrap: counters, histograms, and what is computed from them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlPlane } from '../../../lib/control/plane.js';
import { Metrics } from '../../../lib/dashboard/metrics.js';
import { barsOf, pointBetween, totalsOf } from '../../../lib/dashboard/rates.js';
import { Sampler } from '../../../lib/dashboard/sampler.js';
import type { Logger } from '../../../lib/logger.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { COUNTERS, countersOf } from '../../../lib/memory/counters.js';
import { bucketOf } from '../../../lib/memory/histogram.js';
import { histogramOf, PROMOTION_TIMES, RESPONSE_TIMES } from '../../../lib/memory/sums.js';
import { Observer } from '../../../lib/observe/observer.js';
import { resolveOptions } from '../../../lib/options/server-options.js';
import { FakeObserved, monitoredServerOf } from '../../support/dashboard/fake-observed.js';
import { parseMetrics } from '../../support/dashboard/prometheus.js';

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {} };

/** The first values of the words. A total counts from the start of the server, so the first update includes them. */
const BELOW = 2 ** 32 - 5;
const BELOW_SIGN = 2 ** 31 - 5;

/** An observer of two threads, and their words. */
function seen(beginning: number) {
  const memory = allocateMemory(2, 8);
  const counters = countersOf(memory.control, 1);
  const responses = histogramOf(memory.control, 1, RESPONSE_TIMES);
  const promotions = histogramOf(memory.control, 1, PROMOTION_TIMES);
  counters.fill(beginning | 0);
  responses[bucketOf(10)] = beginning;
  promotions[bucketOf(10)] = beginning;
  const observer = new Observer(memory, {
    threads: 2,
    maxConnections: 8,
    openFiles: 64,
    started: () => true,
  });
  const count = (times: number): void => {
    for (let rest = times; rest > 0; rest--) {
      // Threads count like this, with plain adds.
      for (let index = 0; index < counters.length; index++) counters[index]!++;
      responses[bucketOf(10)]!++;
      promotions[bucketOf(10)]!++;
    }
  };
  return { observer, count };
}

for (const beginning of [BELOW, BELOW_SIGN]) {
  test(`counters at ${beginning} continue across the wrap`, () => {
    const { observer, count } = seen(beginning);
    assert.is(observer.counters(1).requests, beginning);
    count(20);
    const expected = Object.fromEntries(COUNTERS.map((name) => [name, beginning + 20]));
    assert.equal(observer.counters(1), expected);
    assert.equal(observer.observe().threads[1]!.counters, expected);
    assert.is(observer.counters(0).requests, 0);
  });

  test(`histograms at ${beginning} continue across the wrap, and so do rates and percentiles`, () => {
    const { observer, count } = seen(beginning);
    const before = totalsOf(observer.observe());
    count(20);
    const observation = observer.observe();
    const { responses } = observation.threads[1]!.histograms;
    assert.is(responses[bucketOf(10)], beginning + 20);
    assert.equal(barsOf(responses), [[0.011, beginning + 20]]);
    const { responseMs, promotionMs } = pointBetween(before, totalsOf(observation));
    assert.equal(responseMs, { p50: 0.011, p90: 0.011, p99: 0.011, max: 0.011, count: 20 });
    assert.is(promotionMs!.count, 20);
  });

  test(`metrics of words at ${beginning} never decrease`, async () => {
    const { observer, count } = seen(beginning);
    using sampler = new Sampler(observer, silent, []);
    const monitored = { ...monitoredServerOf(new FakeObserved(2)), observed: observer };
    const read = async () => {
      const metrics = new Metrics(monitored, { version: '1', node: '1' }, () => sampler.sample());
      const families = parseMetrics(String(await metrics.text()));
      const value = (family: string, sample = family): number =>
        families.get(family)!.samples.findLast(({ name }) => name === sample)!.value;
      return [
        value('paceline_requests_total'),
        value('paceline_promotions_received_total'),
        value('paceline_request_duration_seconds', 'paceline_request_duration_seconds_count'),
      ];
    };
    assert.equal(await read(), [beginning, beginning, beginning]);
    count(20);
    assert.equal(await read(), [beginning + 20, beginning + 20, beginning + 20]);
  });
}

test('the sum of two threads near the wrap is beyond it', () => {
  const memory = allocateMemory(2, 8);
  for (const thread of [0, 1]) histogramOf(memory.control, thread, RESPONSE_TIMES)[3] = BELOW;
  const observer = new Observer(memory, {
    threads: 2,
    maxConnections: 8,
    openFiles: 64,
    started: () => true,
  });
  assert.is(totalsOf(observer.observe()).responses[3], 2 * BELOW);
});

test('a server without clients updates its totals once a minute', async () => {
  const timers: (readonly [task: () => void, ms: number | undefined])[] = [];
  const { setInterval: original } = globalThis;
  globalThis.setInterval = ((task: () => void, ms?: number) => {
    timers.push([task, ms]);
    return original(task, ms);
  }) as typeof setInterval;
  const events = {
    transition() {},
    threadStart() {},
    threadExit() {},
    serving() {},
    listening() {},
    released() {},
    error() {},
  };
  const plane = await ControlPlane.open(resolveOptions({ threads: 1 }), [{ port: 0 }], events).finally(() => {
    globalThis.setInterval = original;
  });
  try {
    let looks = 0;
    const { observer } = plane;
    const keepTotals = observer.keepTotals.bind(observer);
    observer.keepTotals = () => {
      looks++;
      keepTotals();
    };
    for (const [task, ms] of timers) if (ms === 60_000) task();
    assert.is(looks, 1);
  } finally {
    await plane.stop(0);
  }
});

test('updates by a timer alone catch every wrap', () => {
  const { observer, count } = seen(BELOW);
  observer.keepTotals();
  count(10);
  observer.keepTotals();
  count(10);
  assert.is(observer.counters(1).promotions, BELOW + 20);
});

test.run();
