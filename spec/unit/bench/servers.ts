/** Short real runs: each server answers rightly with what it can serve, and the new loads are measured on it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { missing } from '../../../scripts/bench/available.js';
import { cleanUpAtExit, stopChild } from '../../../scripts/bench/children.js';
import type { Figures } from '../../../scripts/bench/figures.js';
import { parseOptions } from '../../../scripts/bench/options.js';
import { findPeers } from '../../../scripts/bench/peers.js';
import { SCENARIOS } from '../../../scripts/bench/scenarios.js';
import type { Setup } from '../../../scripts/bench/setups.js';
import { start } from '../../../scripts/bench/start.js';
import { parseTarget, type Server } from '../../../scripts/bench/targets.js';
import { onPath } from '../../../scripts/bench/tools.js';

cleanUpAtExit();

/** What is there already; a spec installs nothing. */
const peers = await findPeers(new Set(['bun', 'deno', 'piscina'] as const), undefined, false);
const settings = { ...parseOptions([])!, connections: 8, rates: [100] };

const SERVED: Readonly<Record<string, readonly Setup[]>> = {
  'paceline-2': ['echo', 'files', 'held'],
  reactor: ['echo', 'files', 'held'],
  http: ['echo', 'files'],
  'cluster-2': ['echo', 'files'],
  'floor-c-2': ['echo', 'handler'],
  nginx: ['files', 'handler'],
  'bun-2': ['echo', 'files', 'real'],
  'deno-2': ['echo', 'real', 'handler'],
  'piscina-2': ['handler'],
};

for (const [name, setups] of Object.entries(SERVED)) {
  const target = parseTarget(name)!;
  const reason = missing(target, peers);
  if (reason !== undefined) {
    console.log(`skipped: ${reason}`);
    continue;
  }
  for (const setup of setups) {
    test(`${name} serves ${setup}`, async () => {
      // start() compares the answers.
      const { child } = await start(target, setup, peers);
      await stopChild(child);
    });
  }
}

async function measured(server: Server, name: string): Promise<Figures> {
  const figures = await SCENARIOS.find((scenario) => scenario.name === name)!.run(server, settings);
  assert.is(figures.errors, 0, name);
  return figures;
}

async function assertMeasures(target: string, setup: Setup, scenarios: readonly string[]): Promise<void> {
  const server = await start(parseTarget(target)!, setup, peers);
  for (const name of scenarios) {
    const figures = await measured(server, name);
    const prefix = name.startsWith('open-') ? '100.' : '';
    for (const key of ['cpuUsPerRequest', 'p50Ms', 'p99Ms', 'residentMiB'])
      assert.ok(figures[prefix + key]! > 0, `${name}: ${key} is ${figures[prefix + key]}`);
    assert.ok(figures[`${prefix}switchesPerRequest`]! >= 0);
  }
  await stopChild(server.child);
}

if (onPath('gcc') && onPath('wrk')) {
  test('the loads beyond kept connections of HTTP are measured', async () => {
    await assertMeasures('paceline-2', 'echo', ['echo']);
    await assertMeasures('floor-c-2', 'handler', ['connect']);
  });

  test('a connection for each request is measured on a server that closes it', () =>
    assertMeasures('http', 'handler', ['connect']));

  test('requests that take their time are measured, in a closed loop and at fixed rates', () =>
    assertMeasures('paceline-2', 'handler', [
      'blocking',
      'cpu',
      'async',
      'open-blocking',
      'open-cpu',
      'open-async',
    ]));
} else console.log('skipped: gcc or wrk is not on PATH');

test('what a server answers wrongly is no measurement', async () => {
  const wrong = await start(parseTarget('http')!, 'handler');
  const echo = SCENARIOS.find(({ name }) => name === 'echo')!;
  // HTTP in place of an echo.
  if (onPath('gcc')) {
    const failure = await echo.run(wrong, settings).catch((error: Error) => error.message);
    assert.is(failure, 'no request was answered');
  }
  await stopChild(wrong.child);
});

test.run();
