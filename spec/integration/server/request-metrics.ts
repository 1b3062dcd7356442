/** What /metrics has of requests by class, and of threads. */
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { WATCHDOG_MS } from '../../support/server/wait.js';

async function metricsOf({ server }: Running): Promise<string> {
  return await (await fetch(new URL('/metrics', server.dashboard!.url))).text();
}

/** The text once a condition holds: a request is counted a moment after its response, and a text serves for half a second. */
async function metricsOnce(running: Running, holds: (text: string) => boolean): Promise<string> {
  const endMs = performance.now() + WATCHDOG_MS;
  for (;;) {
    const text = await metricsOf(running);
    if (holds(text) || performance.now() > endMs) return text;
    await delay(100);
  }
}

const countOf = (text: string, route: string, status: string): number =>
  Number(
    new RegExp(
      `^paceline_request_class_duration_seconds_count{route_class="${route}",status_class="${status}"} (\\d+)$`,
      'm',
    ).exec(text)![1],
  );

test('requests count in the class of their route and of their status', async () => {
  await using running = await Running.start('access', { threads: 2, dashboard: { port: 0 } });
  const client = await running.connect();
  for (const path of ['/text', '/stream', '/empty', '/throws', '/reports/1', '/reports/2'])
    await client.get(path);
  const text = await metricsOnce(
    running,
    (text) => countOf(text, 'ordinary', '2xx') + countOf(text, 'blocking', '2xx') === 5,
  );
  assert.is(countOf(text, 'ordinary', '2xx'), 3);
  assert.is(countOf(text, 'ordinary', '5xx'), 1);
  assert.is(countOf(text, 'blocking', '2xx'), 2);
  assert.is(countOf(text, 'blocking', '5xx'), 0);
  assert.match(text, /^paceline_route_requests_total\{route="GET \/reports\/:id"\} 2$/m);
});

test('each thread tells the size of its heap', async () => {
  await using running = await Running.start('web', { threads: 2, dashboard: { port: 0 } });
  // A thread looks in its first turn, which comes after the app is loaded.
  const text = await metricsOnce(
    running,
    (text) => text.match(/^paceline_thread_heap_used_bytes\{/gm)?.length === 2,
  );
  for (const thread of [0, 1]) {
    const [used, limit] = ['used', 'limit'].map((name) =>
      Number(new RegExp(`^paceline_thread_heap_${name}_bytes{thread="${thread}"} (.*)$`, 'm').exec(text)![1]),
    );
    assert.ok(used! > 1e6 && used! < limit!, `${used} of ${limit}`);
  }
});

test.run();
