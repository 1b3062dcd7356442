/** The plots of made-up results: every value stands where it belongs, and every picture says what it was measured with. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { figure } from '../../../../scripts/bench/plots/figure.js';
import type { Run } from '../../../../scripts/bench/run.js';
import { SCENARIOS } from '../../../../scripts/bench/scenarios.js';
import { assertWellFormed } from '../../../support/bench/xml.js';

const ROUNDS = [1, 2, 3];

const run: Run = {
  command: 'npm run bench -- --scenario "a,b" <all>',
  versions: {
    date: '2026-01-02T03:04:05.678Z',
    node: 'v20.1.2',
    cpu: '2 x Some & Processor',
    bun: 'not found',
  },
  settings: {
    seconds: 1,
    warmUpSeconds: 3,
    idleSeconds: 10,
    slowSeconds: 20,
    connections: 64,
    rates: undefined,
  },
  results: [],
  verdict: [],
};

const scenarioOf = (name: string) => SCENARIOS.find((scenario) => scenario.name === name)!;

/** Made-up rounds of two targets: the second takes twice as much of everything, and a round of it fell out. */
function resultsOf(keys: readonly string[]) {
  return ['paceline-2', 'bun-2'].map((target, index) => ({
    target,
    kind: target.slice(0, -2),
    rounds: ROUNDS.map((round) => Object.fromEntries(keys.map((key) => [key, 10 * round * (index + 1)]))),
  }));
}

function barsOf(svg: string): number[] {
  return [...svg.matchAll(/<rect class="(?:ours|kin|other)" x="0" y="[\d.]+" width="([\d.]+)"/g)].map(
    ([, width]) => Number(width),
  );
}

test('a bar ends at the median, and its line reaches from the lowest to the highest round', () => {
  const results = resultsOf(['cpuUsPerRequest', 'requestsPerSecond']);
  const svg = figure(scenarioOf('hello'), { scenario: 'hello', results }, run);
  assertWellFormed(svg);
  const [first, second] = barsOf(svg) as [number, number];
  assert.ok(Math.abs(second - 2 * first) < 0.02, `${first}, ${second}`);
  const spread = /class="spread" x1="([\d.]+)" x2="([\d.]+)"/.exec(svg)!.slice(1).map(Number) as [
    number,
    number,
  ];
  assert.ok(Math.abs(spread[0] - first / 2) < 0.02 && Math.abs(spread[1] - first * 1.5) < 0.02);
  assert.match(svg, '>20.0<');
  assert.match(svg, '>40.0<');
});

test('latencies stand in the order of their percentiles, for each rate', () => {
  const keys = ['5000', '10000'].flatMap((rate) => [
    ...['p50Ms', 'p90Ms', 'p99Ms', 'p999Ms', 'maxMs'].map((key) => `${rate}.${key}`),
    `${rate}.cpuUsPerRequest`,
  ]);
  const factors: Readonly<Record<string, number>> = { p50Ms: 0.1, p90Ms: 0.3, p99Ms: 1, p999Ms: 3, maxMs: 9 };
  const results = resultsOf(keys).map((result) => ({
    ...result,
    rounds: result.rounds.map((figures) =>
      Object.fromEntries(
        Object.entries(figures).map(([key, value]) => [key, value * (factors[key.split('.')[1]!] ?? 1)]),
      ),
    ),
  }));
  const svg = figure(scenarioOf('open-hello'), { scenario: 'open-hello', results }, run);
  assertWellFormed(svg);
  const places = [...svg.matchAll(/<circle class="mark" cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  assert.is(places.length, 4 * 2 * 2);
  for (let row = 0; row < places.length; row += 4) {
    const marks = places.slice(row, row + 4);
    assert.equal(
      marks,
      marks.toSorted((a, b) => a - b),
    );
  }
  assert.is(barsOf(svg).length, 2, 'the bars are those of the last rate');
});

test('the picture has the machine, the versions, the date and the command in it', () => {
  const results = resultsOf(['cpuUsPerRequest']);
  const svg = figure(scenarioOf('hello'), { scenario: 'hello', results }, run);
  for (const text of ['2 x Some &amp; Processor', 'node v20.1.2', '2026-01-02 03:04 UTC', '&lt;all&gt;'])
    assert.match(svg, text);
  assert.not.match(svg, 'not found');
  assert.match(svg, 'prefers-color-scheme: dark');
});

test('a target that was given up is left out, and a figure that it lacks is a dash', () => {
  const [first, second] = resultsOf(['cpuUsPerRequest']);
  const results = [first!, { ...second!, rounds: [], failure: 'it fell' }];
  const svg = figure(scenarioOf('hello'), { scenario: 'hello', results }, run);
  assert.match(svg, 'paceline-2');
  assert.not.match(svg, '>bun-2<');
  assert.match(svg, '>–<');
});

test.run();
