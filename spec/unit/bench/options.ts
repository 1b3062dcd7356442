/** The command line of the benchmark: what a run consists of by default, what is named instead, and what is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOptions, targetsOf, UsageError } from '../../../scripts/bench/options.js';
import { roundsOf } from '../../../scripts/bench/parts.js';
import { SCENARIOS, SUITES } from '../../../scripts/bench/scenarios.js';

const options = (...args: string[]) => parseOptions(args)!;
const namesOf = (args: string[], scenario: string) =>
  targetsOf(SCENARIOS.find(({ name }) => name === scenario)!, options(...args)).map(({ name }) => name);

test('a run has a suite: one of each kind of load, one of everything, and one for checks', () => {
  for (const [extent, ...args] of [['main'], ['full', '--full'], ['quick', '--quick']] as const) {
    const parsed = options(...args);
    const { scenarios, seconds } = parsed;
    assert.is(parsed.extent, extent);
    assert.equal(
      scenarios.map(({ name }) => name),
      SUITES[extent],
    );
    assert.is(seconds, 1);
    assert.is(roundsOf(scenarios[0]!, parsed), extent === 'quick' ? 2 : 3);
  }
});

test('rounds that are named count for all scenarios, and else some have fewer', () => {
  const held = SCENARIOS.find(({ name }) => name === 'idle-10k')!;
  assert.is(roundsOf(held, options()), 1);
  assert.is(roundsOf(held, options('--rounds', '4')), 4);
});

test('every scenario has a name of its own', () => {
  const names = SCENARIOS.map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
});

test('scenarios and groups are named', () => {
  const { scenarios } = options('--scenario', 'echo,real');
  const names = scenarios.map(({ name }) => name);
  assert.is(names[0], 'echo');
  for (const name of ['real-get', 'real-post', 'pipelined']) assert.ok(names.includes(name), name);
});

test('all strategies and servers take part in a full run, and few in a quick one', () => {
  const full = namesOf(['--full'], 'blocking');
  for (const name of ['paceline-4', 'reactor', 'cluster-4', 'http', 'piscina-4', 'bun-4', 'deno-4'])
    assert.ok(full.includes(name), name);
  // They have no handlers.
  assert.not.ok(full.includes('nginx') || full.includes('floor-c'));
  assert.equal(namesOf(['--quick'], 'blocking'), ['paceline-4', 'cluster-4', 'http']);
});

test('targets are named instead, and those that cannot are left out', () => {
  assert.equal(namesOf(['--targets', 'nginx,reactor,floor-c-3'], 'echo'), ['reactor', 'floor-c-3']);
});

test('what is wrong is refused with what would be right', () => {
  const refused: [string[], RegExp][] = [
    [['--scenario', 'none'], /no scenario none: one of real/],
    [['--targets', 'cluster'], /no target cluster: one of paceline/],
    [['--targets', 'reactor-2'], /no target reactor-2/],
    [['--rounds', '0'], /--rounds 0: a whole number from 1 to 100/],
    [['--quick', '--full'], /exclude each other/],
    [['--nothing'], /--help lists the options/],
  ];
  for (const [args, message] of refused) {
    assert.throws(
      () => options(...args),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    );
  }
});

test('help is asked for', () => {
  assert.is(parseOptions(['--help']), undefined);
});

test.run();
