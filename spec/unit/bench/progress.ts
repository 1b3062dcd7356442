/** How long a run is expected to take: starts, warming up and rounds, each as often as it happens. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOptions, targetsOf } from '../../../scripts/bench/options.js';
import { expectedSeconds, inWords } from '../../../scripts/bench/progress.js';

const HOUR = 3600;
/** What a run without time to spare may take. */
const FULL_MINUTES = 25;

function expected(...args: string[]): number {
  const options = parseOptions(args)!;
  const parts = options.scenarios.map((scenario) => ({ scenario, targets: targetsOf(scenario, options) }));
  return expectedSeconds(parts, options);
}

test('a round more takes its time and no further start', () => {
  const [one, two, three] = [1, 2, 3].map((rounds) =>
    expected('--scenario', 'hello', '--targets', 'http', '--rounds', `${rounds}`, '--seconds', '4'),
  ) as [number, number, number];
  assert.ok(Math.abs(three - two - (two - one)) < 1e-9);
  assert.ok(two - one >= 4 && two - one < 5, `${two - one} s for a round of 4 s`);
  assert.ok(one > two - one, 'the first one starts a server and warms up');
});

test('a server that the next scenario needs too is started once', () => {
  const alone = ['hello', 'blocking'].map((name) => expected('--scenario', name, '--targets', 'http'));
  assert.ok(expected('--scenario', 'hello,blocking', '--targets', 'http') < alone[0]! + alone[1]!);
});

test('the suites keep to their times', () => {
  assert.ok(expected('--quick') <= 90);
  assert.ok(expected() < expected('--full'));
  assert.ok(expected('--full') <= FULL_MINUTES * 60, `${Math.round(expected('--full'))} s`);
});

test('a time is told as roughly as it is known', () => {
  assert.is(inWords(41), 'about 50 s');
  assert.is(inWords(89), 'about 90 s');
  assert.is(inWords(HOUR / 4 + 10), 'about 15 min');
});

test.run();
