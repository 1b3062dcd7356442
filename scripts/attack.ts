/**
 * Attacks real servers as hostile clients, upstreams and apps do, and checks that bystanders do not notice: see docs/testing.md.
 * Exits with 1 at the first failure, and prints the command that repeats it.
 *
 *   node dist/scripts/attack.js [--seconds N] [--seed S] [--strategy NAME] [--only ATTACK[,ATTACK]]
 *
 * The seed chooses the strategy: seeds in a row take them in turn.
 */
import { parseArgs } from 'node:util';
import { resolveStrategy, type StrategyName } from '../lib/options/strategy.js';
import { STRATEGIES } from '../lib/strategies/descriptions.js';
import { campaign, mib } from './attack/campaign.js';
import { ATTACKS } from './attack/round.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    strategy: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000);
const only = values.only.split(',').filter((name) => name !== '');
const unknown = only.find((name) => !(name in ATTACKS));
if (unknown !== undefined) {
  console.error(`there is no attack ${unknown}; there are: ${Object.keys(ATTACKS).join(', ')}`);
  process.exit(1);
}
const fixed = values.strategy === undefined ? undefined : resolveStrategy(values.strategy, '--strategy');
const strategyOf = (seed: number): StrategyName => fixed ?? STRATEGIES[seed % STRATEGIES.length]!;
const startMs = performance.now();
const endMs = startMs + Number(values.seconds) * 1000;

const total = { campaigns: 0, rounds: 0, verified: 0, checks: 0 };
const max = { maxCheckMs: 0, maxAnswerMs: 0, peakBytes: 0, blocksPeak: 0 };
const attacks: Record<string, number> = {};

console.log(`attacks from seed ${firstSeed} on`);
try {
  do {
    const seed = firstSeed + total.campaigns;
    const tally = await campaign({ seed, strategy: strategyOf(seed), only });
    total.campaigns++;
    for (const key of ['rounds', 'verified', 'checks'] as const) total[key] += tally[key];
    for (const key of ['maxCheckMs', 'maxAnswerMs', 'peakBytes', 'blocksPeak'] as const)
      max[key] = Math.max(max[key], tally[key]);
    for (const [name, count] of Object.entries(tally.attacks)) attacks[name] = (attacks[name] ?? 0) + count;
  } while (performance.now() < endMs);
  report();
} catch (error) {
  console.error((error as Error).message);
  const seed = firstSeed + total.campaigns;
  const more = ['--strategy', strategyOf(seed), ...(only.length === 0 ? [] : ['--only', only.join()])];
  console.error(['again: node dist/scripts/attack.js --seconds 1 --seed', seed, ...more].join(' '));
  // Attackers of the failed round may still be waiting for answers.
  process.exit(1);
}

function report(): void {
  const seconds = Math.round((performance.now() - startMs) / 1000);
  const { campaigns, rounds, verified, checks } = total;
  const { maxCheckMs, maxAnswerMs, peakBytes, blocksPeak } = max;
  console.log(
    `${campaigns} campaigns of ${rounds} rounds in ${seconds} s: ${verified} answers to bystanders right in every byte, the longest ` +
      `wait ${Math.round(maxAnswerMs)} ms; ${checks} health checks, the longest ${Math.round(maxCheckMs)} ms; at most ` +
      `${mib(peakBytes)} and ${blocksPeak} blocks of the pool in use for a round: nothing found`,
  );
  const counts = Object.keys(ATTACKS).map((name) => `${name} ${attacks[name] ?? 0}`);
  console.log(`attacks: ${counts.join(', ')}`);
}
