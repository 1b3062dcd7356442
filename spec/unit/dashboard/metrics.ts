/** /metrics: text that a strict parser accepts, with the counters of the data plane. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTERS } from '../../../lib/memory/counters.js';
import { classCount, requestClass } from '../../../lib/memory/request-classes.js';
import { FakeObserved, routeOf } from '../../support/dashboard/fake-observed.js';
import { parseMetrics, type Sample } from '../../support/dashboard/prometheus.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';
import { range } from '../../support/server/wait.js';

async function scrape(dashboard: TestDashboard) {
  const { headers, text } = await dashboard.get('/metrics');
  assert.is(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const families = parseMetrics(text);
  return (family: string, labels: Record<string, string> = {}): number => {
    const has = (sample: Sample) =>
      Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
    const name = family.replace(/_(bucket|sum|count)$/, '');
    const found = (families.get(family) ?? families.get(name))!.samples.filter(
      (sample) => sample.name === family && has(sample),
    );
    assert.is(found.length, 1, `${family} ${JSON.stringify(labels)}`);
    return found[0]!.value;
  };
}

test('the parser of these specs is strict', () => {
  const good = '# HELP a b\n# TYPE a counter\na{x="1",y="q\\"\\\\\\n"} 2\na 1e-5\n';
  assert.is(parseMetrics(good).get('a')!.samples.length, 2);
  for (const bad of [
    'a 1\n',
    '# HELP a b\n# TYPE a counter\na 1',
    '# HELP a b\n# TYPE a counter\na one\n',
    '# HELP a b\n# TYPE a counter\na -1\n',
    '# HELP a b\n# TYPE a counter\nb 1\n',
    '# HELP a b\n# TYPE a counter\na 1\na 1\n',
    '# HELP a b\n# TYPE a counter\na{x=1} 1\n',
    '# HELP a b\n# TYPE a counter\na{x="1" y="2"} 1\n',
    '# TYPE a counter\na 1\n',
    '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
  ]) {
    assert.throws(() => parseMetrics(bad), undefined, bad);
  }
});

test('the health verdict and its figures are exported, from the same evaluation as the verdict', async () => {
  await using dashboard = await TestDashboard.start();
  const { seen } = dashboard.observed;
  seen.waiting = 3;
  const levels = (value: Awaited<ReturnType<typeof scrape>>) =>
    ['healthy', 'degraded', 'outage'].map((level) => value('paceline_health', { level }));
  const healthy = await scrape(dashboard);
  assert.equal([levels(healthy), healthy('paceline_threads_free')], [[1, 0, 0], 4]);
  assert.is(healthy('paceline_requests_waiting'), 3);
});

test('every counter is exported for each thread', async () => {
  await using dashboard = await TestDashboard.start();
  const { threads } = dashboard.observed.seen;
  COUNTERS.forEach((name, index) => {
    threads[2]!.counters[name] = 1000 + index;
  });
  threads[2]!.bytesIn = 5;
  threads[2]!.bytesOut = 7;
  const value = await scrape(dashboard);
  const labels = { thread: '2' };
  const expected: [string, number, Record<string, string>?][] = [
    ['events_total', 1000],
    ['requests_total', 1001],
    ['wake_ups_total', 1002],
    ['parks_total', 1003],
    ['kernel_waits_total', 1004],
    ['kernel_polls_total', 1005],
    ['leaderships_total', 1006],
    ['reclaims_total', 1007],
    ['hand_offs_total', 1008],
    ['loop_passes_total', 1009],
    ['errors_total', 1010],
    ['promotions_given_total', 1011],
    ['connections_accepted_total', 1012],
    ['connections_closed_total', 1013],
    ['connections_dropped_total', 1014],
    ...range(5).map((index): [string, number, Record<string, string>] => [
      'responses_total',
      1015 + index,
      { class: `${index + 1}xx` },
    ]),
    ['heads_refused_total', 1020],
    ['hand_overs_total', 1021],
    ['hand_overs_taken_total', 1022],
    ['access_log_lost_total', 1023],
    ['received_bytes_total', 5],
    ['sent_bytes_total', 7],
  ];
  for (const [name, number, more] of expected)
    assert.is(value(`paceline_${name}`, { ...labels, ...more }), number, name);
  assert.is(value('paceline_events_total', { thread: '0' }), 0);
});

test('each thread is in one state, and has the seconds of all of them', async () => {
  await using dashboard = await TestDashboard.start();
  dashboard.observed.seen.threads[1]!.state = 'processing';
  dashboard.observed.seen.threads[1]!.timesMs = [0, 250, 1000, 0.5, 2000];
  const value = await scrape(dashboard);
  const states = ['dead', 'starting', 'follower', 'leader', 'processing'];
  for (const [thread, state] of ['leader', 'processing', 'follower', 'follower'].entries()) {
    for (const one of states) {
      assert.is(
        value('paceline_thread_state', { thread: String(thread), state: one }),
        Number(one === state),
      );
    }
  }
  const seconds = states.map((state) => value('paceline_thread_seconds_total', { thread: '1', state }));
  assert.equal(seconds, [0, 0.25, 1, 0.0005, 2]);
});

test('the model is exported, with its words, its roles and its queue', async () => {
  const observed = new FakeObserved(3, 'half-sync-half-reactive');
  observed.seen.queue = { current: 7, peak: 9, limit: 1024 };
  observed.seen.threads[1]!.state = 'processing';
  await using dashboard = await TestDashboard.start({ observed });
  const value = await scrape(dashboard);
  const info = { strategy: 'half-sync-half-reactive', title: 'Half-Sync/Half-Reactive' };
  assert.is(value('paceline_strategy_info', info), 1);
  const queue = ['length', 'peak', 'capacity'].map((name) => value(`paceline_request_queue_${name}`));
  assert.equal(queue, [7, 9, 1024]);
  assert.is(value('paceline_threads_free'), 2);
  assert.is(value('paceline_thread_state', { thread: '0', state: 'waiting', role: 'reactor' }), 1);
  assert.is(value('paceline_thread_state', { thread: '1', state: 'processing', role: 'worker' }), 1);
  assert.is(value('paceline_thread_state', { thread: '2', state: 'idle', role: 'worker' }), 1);
  const { text } = await dashboard.get('/metrics');
  assert.not.match(text, /paceline_leader |state="(leader|follower)"/);
});

test('a model without a queue exports none', async () => {
  await using dashboard = await TestDashboard.start();
  const value = await scrape(dashboard);
  assert.is(value('paceline_strategy_info', { strategy: 'leader-followers', title: 'Leader/Followers' }), 1);
  assert.is(value('paceline_leader'), 0);
  assert.is(value('paceline_thread_state', { thread: '0', state: 'leader', role: 'peer' }), 1);
  assert.not.match((await dashboard.get('/metrics')).text, /request_queue/);
});

test('a histogram counts a duration in the first bucket that is not shorter', async () => {
  await using dashboard = await TestDashboard.start();
  const { observed } = dashboard;
  observed.took(0, 'responses', 10, 3);
  observed.took(1, 'responses', 1023, 2);
  observed.took(2, 'responses', 1024);
  observed.took(3, 'responses', 60_000_000);
  observed.took(3, 'promotions', 25);
  const value = await scrape(dashboard);
  const within = (le: string) => value('paceline_request_duration_seconds_bucket', { le });
  assert.is(within('0.000032'), 3);
  assert.is(within('0.000512'), 3);
  assert.is(within('0.001024'), 5);
  assert.is(within('0.002048'), 6);
  assert.is(within('16.777216'), 6);
  assert.is(within('+Inf'), 7);
  assert.is(value('paceline_request_duration_seconds_count'), 7);
  assert.ok(Math.abs(value('paceline_request_duration_seconds_sum') - 60.0031) < 1e-4);
  assert.is(value('paceline_promotion_seconds_count'), 1);
  assert.is(value('paceline_promotions_received_total', { thread: '3' }), 1);
});

test('requests are exported by the class of their route and status', async () => {
  await using dashboard = await TestDashboard.start();
  const { threads } = dashboard.observed.seen;
  for (const [thread, us] of [
    [0, 1000],
    [1, 1024],
    [3, 2000],
  ] as const) {
    const { counts, sumsUs } = threads[thread]!.requestClasses;
    counts[classCount(requestClass(true, 503), us)]!++;
    sumsUs[requestClass(true, 503)]! += us;
  }
  const value = await scrape(dashboard);
  const labels = { route_class: 'blocking', status_class: '5xx' };
  const name = 'paceline_request_class_duration_seconds';
  assert.is(value(`${name}_bucket`, { ...labels, le: '0.001024' }), 1);
  assert.is(value(`${name}_bucket`, { ...labels, le: '0.002048' }), 3);
  assert.is(value(`${name}_count`, labels), 3);
  assert.is(value(`${name}_sum`, labels), 0.004024);
  assert.is(value(`${name}_count`, { ...labels, route_class: 'ordinary' }), 0);
});

test('the heap of each thread is exported once it is known', async () => {
  await using dashboard = await TestDashboard.start();
  dashboard.observed.seen.threads[2]!.heap = { used: 5, limit: 7 };
  const value = await scrape(dashboard);
  const names = ['paceline_thread_heap_used_bytes', 'paceline_thread_heap_limit_bytes'];
  assert.equal(
    names.map((name) => value(name, { thread: '2' })),
    [5, 7],
  );
  // The one sample of all threads.
  assert.is(value(names[0]!), 5);
});

test('the delay of the event loop is exported for each thread', async () => {
  await using dashboard = await TestDashboard.start();
  dashboard.observed.took(2, 'loopDelays', 5000, 4);
  const value = await scrape(dashboard);
  assert.is(value('paceline_event_loop_delay_seconds_count', { thread: '2' }), 4);
  assert.is(value('paceline_event_loop_delay_seconds_count', { thread: '1' }), 0);
  assert.is(value('paceline_event_loop_delay_seconds_bucket', { thread: '2', le: '0.004096' }), 0);
  assert.is(value('paceline_event_loop_delay_seconds_bucket', { thread: '2', le: '0.008192' }), 4);
});

test('levels, build and process are exported', async () => {
  await using dashboard = await TestDashboard.start();
  Object.assign(dashboard.observed.seen, {
    connections: { current: 1, peak: 2, limit: 3 },
    pool: { current: 4, peak: 5, limit: 6 },
    ready: { current: 7, peak: 8, limit: 9 },
    descriptors: { current: 10, peak: 11, limit: 12 },
    leader: 2,
    engaged: 3,
    routes: [routeOf('GET /a'), routeOf('GET /"\n'), routeOf('GET /c', { blocking: false })],
  });
  const value = await scrape(dashboard);
  const levels = ['connections', 'pool_blocks', 'ready_events'].flatMap((name) =>
    ['', '_peak', '_limit'].map((suffix) => value(`paceline_${name}${suffix}`)),
  );
  assert.equal(levels, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(
    [value('paceline_open_fds'), value('paceline_max_fds'), value('paceline_leader')],
    [10, 12, 2],
  );
  assert.is(value('paceline_threads_engaged'), 3);
  assert.is(value('paceline_blocking_routes'), 2);
  assert.is(value('paceline_build_info', { strategy: 'leader-followers', node: process.version }), 1);
  assert.ok(value('process_resident_memory_bytes') > 1e6);
  assert.ok(value('nodejs_eventloop_lag_p99_seconds') >= 0);
});

test('many scrapes at once, and a second dashboard in the process, do not affect each other', async () => {
  await using dashboard = await TestDashboard.start();
  await using other = await TestDashboard.start();
  other.observed.seen.threads[0]!.counters.requests = 42;
  const values = await Promise.all(range(10).map((index) => scrape(index % 2 === 0 ? dashboard : other)));
  values.forEach((value, index) => {
    assert.is(value('paceline_requests_total', { thread: '0' }), index % 2 === 0 ? 0 : 42);
  });
});

test.run();
