/**
 * Injects faults into real servers and kills their threads, beside clients that check every byte: see docs/testing.md. Exits with
 * 1 at the first failure, and prints the command that repeats it.
 *
 *   node dist/scripts/chaos.js [--seconds N] [--seed S] [--strategy NAME] [--threads N] [--without GROUP[,GROUP]]
 *
 * The seed chooses the strategy: seeds in a row take them in turn. Without `--strategy` every one has a campaign, however few
 * the seconds.
 */
import { parseArgs } from 'node:util';
import { resolveStrategy, type StrategyName } from '../lib/options/strategy.js';
import { STRATEGIES } from '../lib/strategies/descriptions.js';
import { campaign } from './chaos/campaign.js';
import { GROUPS, type Group } from './chaos/context.js';
import { STEPS } from './chaos/steps.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    strategy: { type: 'string' },
    threads: { type: 'string' },
    without: { type: 'string', default: '' },
  },
});
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000);
const threads = values.threads === undefined ? undefined : Number(values.threads);
const fixed = values.strategy === undefined ? undefined : resolveStrategy(values.strategy, '--strategy');
const minCampaigns = fixed === undefined ? STRATEGIES.length : 1;
const left = values.without.split(',');
const groups = new Set<Group>(GROUPS.filter((group) => !left.includes(group)));
const startMs = performance.now();
const endMs = startMs + Number(values.seconds) * 1000;

const strategyOf = (seed: number): StrategyName => fixed ?? STRATEGIES[seed % STRATEGIES.length]!;

const total = { campaigns: 0, rounds: 0, verified: 0, deaths: 0, cuts: 0 };
const stepDeaths = STEPS.map(() => 0);
const passed = STEPS.map(() => false);

console.log(`chaos from seed ${firstSeed} on`);
try {
  do {
    const seed = firstSeed + total.campaigns;
    const tally = await campaign({ seed, strategy: strategyOf(seed), threads, groups });
    total.campaigns++;
    for (const key of ['rounds', 'verified', 'deaths', 'cuts'] as const) total[key] += tally[key];
    for (const step of STEPS.keys()) {
      stepDeaths[step]! += tally.stepDeaths[step]!;
      passed[step] ||= tally.passed[step]!;
    }
  } while (total.campaigns < minCampaigns || performance.now() < endMs);
  report();
} catch (error) {
  console.error((error as Error).message);
  const seed = firstSeed + total.campaigns;
  const more = [
    ...['--strategy', strategyOf(seed)],
    ...(threads === undefined ? [] : ['--threads', threads]),
    ...(values.without ? ['--without', values.without] : []),
  ];
  console.error(['again: node dist/scripts/chaos.js --seconds 1 --seed', seed, ...more].join(' '));
  // Clients of the failed round may still be waiting for answers.
  process.exit(1);
}

function report(): void {
  const seconds = Math.round((performance.now() - startMs) / 1000);
  const { campaigns, rounds, verified, deaths, cuts } = total;
  console.log(
    `${campaigns} campaigns of ${rounds} rounds in ${seconds} s: ${verified} answers right in every byte, ${deaths} threads died, ` +
      `${cuts} clients were cut off with theirs: nothing found`,
  );
  const dead = stepDeaths.filter((count) => count > 0).length;
  const unseen = STEPS.filter((_, step) => !passed[step]);
  console.log(
    `${STEPS.length} steps to die at: ${dead} took a thread, nobody came by ${unseen.join(', ') || 'none'}`,
  );
}
