/** The pass marks of the requests: what just meets them is met, and each is missed alone. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Figures } from '../../../scripts/bench/figures.js';
import { SCENARIOS } from '../../../scripts/bench/scenarios.js';
import { verdict } from '../../../scripts/bench/verdict.js';

const NODE = Number(process.versions.node.split('.')[0]);

/** Rounds of the targets by scenario, each exactly at its marks. */
const AT_THE_MARKS: Readonly<Record<string, Readonly<Record<string, Figures>>>> = {
  'real-get': {
    'paceline-2': { requestsPerSecond: 1500, cpuUsPerRequest: 27, addedUs: 16 },
    'cluster-2': { requestsPerSecond: 1000, cpuUsPerRequest: 50, addedUs: 30 },
    'bun-2': { requestsPerSecond: 2000, cpuUsPerRequest: 20, addedUs: 15 },
  },
  hello: {
    'paceline-2': { requestsPerSecond: 1700, cpuUsPerRequest: 11, addedUs: 10 },
    'cluster-2': { requestsPerSecond: 1000, cpuUsPerRequest: 20, addedUs: 19 },
    'floor-node': { requestsPerSecond: 3000, cpuUsPerRequest: 7 },
  },
  'express-hello': {
    'paceline-2': { requestsPerSecond: 1150, cpuUsPerRequest: 17 },
    'paceline-file-2': { requestsPerSecond: 1150, cpuUsPerRequest: 17 },
    'cluster-2': { requestsPerSecond: 1000, cpuUsPerRequest: 20 },
  },
  'stall-express': {
    paceline: { keptMaxMs: 100, freshMaxMs: 100 },
    'paceline-file': { keptMaxMs: 100, freshMaxMs: 100 },
  },
};

/** What the verdict says of the figures above, some of one target's changed. */
function judged(scenario = '', target = '', change: Figures = {}): { met: boolean; lines: string[] } {
  const results = Object.entries(AT_THE_MARKS).map(([name, targets]) => ({
    scenario: name,
    results: Object.entries(targets).map(([wanted, figures]) => ({
      target: wanted,
      kind: wanted.replace(/-\d$/, ''),
      rounds: [name === scenario && wanted === target ? { ...figures, ...change } : figures],
    })),
  }));
  return verdict(SCENARIOS, results);
}

const missed = (lines: readonly string[]) => lines.filter((line) => line.startsWith('missed'));

test('figures at the marks meet them', () => {
  const { met, lines } = judged();
  assert.equal(missed(lines), []);
  assert.ok(met);
});

test('each mark is missed alone', () => {
  for (const [scenario, target, change, text] of [
    ['real-get', 'paceline-2', { requestsPerSecond: 1490 }, /requests\/s of cluster-2/],
    ['real-get', 'cluster-2', { cpuUsPerRequest: 48 }, /CPU a request of cluster-2/],
    ['real-get', 'paceline-2', { addedUs: 16.1 }, /adds 16.10 us to the handler/],
    ['hello', 'floor-node', { cpuUsPerRequest: 6.9 }, /more than floor-node/],
    ['express-hello', 'paceline-2', { requestsPerSecond: 1149 }, /paceline-2 serves 1.15x/],
    [
      'express-hello',
      'paceline-file-2',
      { cpuUsPerRequest: 17.1 },
      /paceline-file-2 uses 8[56] % of the CPU/,
    ],
    ['express-hello', 'paceline-file-2', { errors: 1 }, /errors with paceline-file-2/],
    ['stall-express', 'paceline', { keptMaxMs: 101 }, /paceline answered within 101.0 ms/],
    ['stall-express', 'paceline-file', { freshMaxMs: 101 }, /paceline-file answered within 101.0 ms/],
  ] as const) {
    const { met, lines } = judged(scenario, target, change);
    assert.is(missed(lines).length, 1, `${text}`);
    assert.match(missed(lines)[0]!, text);
    assert.not(met);
  }
});

test('an app of node:http that was not measured as a server file has not met its marks', () => {
  const { 'paceline-file-2': _file, ...targets } = AT_THE_MARKS['express-hello']!;
  const results = Object.entries(targets).map(([target, figures]) => ({
    target,
    kind: target.replace(/-\d$/, ''),
    rounds: [figures],
  }));
  const { met, lines } = verdict(SCENARIOS, [{ scenario: 'express-hello', results }]);
  assert.ok(lines.includes('not measured: express-hello: the server file needs paceline-file-2'));
  assert.not(met);
});

test("Bun's mark is judged from Node.js 26 on, and shown before", () => {
  const { met, lines } = judged('real-get', 'bun-2', { cpuUsPerRequest: 19 });
  const line = lines.find((each) => each.includes('CPU a request of bun-2'))!;
  assert.is(line.split(':')[0], NODE >= 26 ? 'missed' : 'noted');
  assert.is(met, NODE < 26);
});

test('without hello, what the runtime adds is not measured', () => {
  const { 'real-get': targets } = AT_THE_MARKS;
  const results = Object.entries(targets!).map(([target, figures]) => ({
    target,
    kind: target.replace(/-\d$/, ''),
    rounds: [figures],
  }));
  const { met, lines } = verdict(SCENARIOS, [{ scenario: 'real-get', results }]);
  assert.ok(lines.includes('not measured: real-get: what the runtime adds needs hello'));
  assert.not(met);
});

test.run();
