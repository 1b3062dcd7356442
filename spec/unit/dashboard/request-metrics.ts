import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { requestViews } from '../../../lib/dashboard/request-metrics.js';
import type { Health } from '../../../lib/observe/health.js';
import { STATE_NAMES } from '../../../lib/set/thread-state.js';
import { FakeObserved, routeOf } from '../../support/dashboard/fake-observed.js';

const HEALTHY: Health = {
  verdict: { level: 'healthy', text: 'Healthy', since: 0, reasons: [] },
  warnings: [],
  handlers: 0,
  phrases: [],
  free: 1,
};

/** The samples of one metric, each time that they are asked for. */
function metric(name: string, observed: FakeObserved) {
  const view = requestViews().find((view) => view.name === name)!;
  return () => view.samples(observed.observe(), HEALTHY);
}

const timesOf = (times: Partial<Record<(typeof STATE_NAMES)[number], number>>): number[] =>
  STATE_NAMES.map((state) => times[state] ?? 0);

test('the utilization of a thread is its share of processing since the text before', () => {
  const observed = new FakeObserved(1);
  const [thread] = observed.seen.threads;
  const ratio = metric('paceline_event_loop_utilization_ratio', observed);
  thread!.timesMs = timesOf({ follower: 300, processing: 100 });
  assert.equal(ratio(), [['{thread="0"}', 0.25]]);
  thread!.timesMs = timesOf({ follower: 310, leader: 40, processing: 150 });
  assert.equal(ratio(), [['{thread="0"}', 0.5]]);
  assert.equal(ratio(), [['{thread="0"}', 0]]);
});

test('routes are exported by their names, escaped', () => {
  const observed = new FakeObserved(1);
  observed.seen.routes = [routeOf('GET /a', { calls: 3 }), routeOf('GET /"\\\n', { calls: 2 })];
  const requests = metric('paceline_route_requests_total', observed);
  assert.equal(requests(), [
    ['{route="GET /a"}', 3],
    ['{route="GET /\\"\\\\\\n"}', 2],
    ['{route="other"}', 0],
  ]);
});

test.run();
