/** The results in the documentation: where Paceline is behind, tables, and marks that keep the rest of the page as it is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { comparisons } from '../../../../scripts/bench/publish/comparison.js';
import { resultsPage } from '../../../../scripts/bench/publish/markdown.js';
import { withResults } from '../../../../scripts/bench/publish/page.js';
import type { Run } from '../../../../scripts/bench/run.js';
import { SCENARIOS } from '../../../../scripts/bench/scenarios.js';

const figures = (cpuUsPerRequest: number, requestsPerSecond: number) => ({
  cpuUsPerRequest,
  requestsPerSecond,
});

const run: Run = {
  command: 'npm run bench',
  versions: { node: 'v20.1.2', bun: 'not found' },
  settings: {
    seconds: 1,
    warmUpSeconds: 3,
    idleSeconds: 10,
    slowSeconds: 20,
    connections: 64,
    rates: undefined,
  },
  verdict: [],
  results: [
    {
      scenario: 'hello',
      results: [
        {
          target: 'paceline-2',
          kind: 'paceline',
          rounds: [figures(9, 90), figures(10, 100), figures(12, 110)],
        },
        { target: 'reactor', kind: 'reactor', rounds: [figures(8, 80)] },
        { target: 'cluster-2', kind: 'cluster', rounds: [figures(20, 50)] },
        { target: 'bun-2', kind: 'bun', rounds: [figures(5, 200)] },
        // Neither is a mark for a server that runs JavaScript.
        { target: 'nginx', kind: 'nginx', rounds: [figures(1, 1000)] },
        { target: 'deno-2', kind: 'deno', rounds: [], failure: 'it did not start\nfor a reason' },
      ],
    },
  ],
};

test('Paceline is compared with the best other strategy and the best other server, worse above 1', () => {
  const [cpu, requests] = comparisons(run, SCENARIOS);
  assert.equal(cpu, {
    scenario: 'hello',
    figure: 'CPU µs/request: total',
    ours: '10.0',
    strategy: '**1.25** (reactor: 8.00)',
    other: '**2.00** (bun-2: 5.00)',
  });
  assert.is(requests!.strategy, '0.80 (reactor: 80.0)');
  assert.is(requests!.other, '**2.00** (bun-2: 200)');
});

test('the tables have medians with their range, and what was given up is said', () => {
  const page = resultsPage(run, SCENARIOS, 'images/bench');
  assert.match(page, '| paceline-2 | 100 (90 to 110) | 10.00 (9.00 to 12.00) |');
  assert.match(page, '| reactor | 80 | 8.00 |');
  assert.match(page, 'deno-2 was given up: it did not start\n'.trim());
  assert.match(page, '](images/bench/hello.svg)');
  assert.not.match(page, 'not found');
});

test('what stands around the results stays as it is', () => {
  const page =
    'before\n<!-- results of the last full run: npm run bench:publish -->\nold\n<!-- end of the results -->\nafter\n';
  const written = withResults(page, 'new');
  assert.match(written, /^before\n[\s\S]*\n\nnew\n\n[\s\S]*\nafter\n$/);
  assert.not.match(written, 'old');
  assert.is(withResults(written, 'new'), written);
  assert.throws(() => withResults('a page', 'new'), /lacks its marks/);
});

test.run();
