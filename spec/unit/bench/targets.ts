/** The names of targets, and the threads that they have. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESCRIPTIONS, STRATEGIES } from '../../../lib/strategies/descriptions.js';
import { parseTarget, servers } from '../../../scripts/bench/targets.js';

test('each strategy but the default is a target by its own name', () => {
  for (const strategy of STRATEGIES.filter((name) => name !== 'leader-followers')) {
    const target = parseTarget(strategy)!;
    assert.equal([target.kind, target.strategy], ['paceline', strategy]);
    const { maxThreads, ioThreads } = DESCRIPTIONS[strategy];
    assert.is(target.workers, maxThreads === 1 ? 1 : 4 + ioThreads);
    assert.is(parseTarget(`${strategy}-3`)?.workers, maxThreads === 1 ? undefined : 3);
  }
  assert.is(parseTarget('paceline-2')!.strategy, undefined);
});

test('the servers of a scenario have the same number of threads for handlers', () => {
  for (const name of servers(2)('full')) {
    const { kind, strategy, workers } = parseTarget(name)!;
    if (strategy !== undefined && DESCRIPTIONS[strategy].maxThreads > 1) {
      assert.is(workers - DESCRIPTIONS[strategy].ioThreads, 2, name);
    } else if (strategy === undefined && kind !== 'http') assert.is(workers, 2, name);
  }
});

test('a name that says nothing is no target', () => {
  for (const name of ['', 'cluster', 'http-2', 'paceline-0', 'paceline-100', 'floor', 'Bun-2'])
    assert.is(parseTarget(name), undefined, name);
});

test.run();
