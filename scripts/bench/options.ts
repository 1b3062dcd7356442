// The command line of the benchmark.

import { parseArgs } from 'node:util';
import type { Scenario, Settings } from './scenario.js';
import { SCENARIOS } from './scenarios.js';
import { DEFAULT_TARGETS, parseTarget, TARGET_NAMES, type Target } from './targets.js';

export interface BenchOptions extends Settings {
  readonly scenarios: readonly Scenario[];
  /** Where they are named; each scenario has its own otherwise. */
  readonly targets: readonly Target[] | undefined;
  readonly rounds: number;
  readonly bun: string | undefined;
  readonly json: string | undefined;
  readonly check: boolean;
}

/** A command line that is wrong; the message says what would be right. */
export class UsageError extends Error {}

const names = (scenarios: readonly Scenario[]) => [
  ...new Set(scenarios.flatMap(({ name, group }) => (group ? [group, name] : [name]))),
];
/** The last one is near what the slowest of the default targets sustains on two busy cores, the first one far from it. */
const DEFAULT_RATES = '5000,10000,20000';
const MAX_RATE = 200_000;
const DEFAULT_SCENARIOS = SCENARIOS.filter(({ onRequest }) => !onRequest);
const REQUESTED_SCENARIOS = SCENARIOS.filter(({ onRequest }) => onRequest);

const ownTargets = () =>
  DEFAULT_SCENARIOS.filter(({ targets }) => targets)
    .map(({ name, targets }) => `${' '.repeat(28)}${name}: ${targets!.join(',')}`)
    .join('\n');

export const HELP = `Compares server runtimes on this machine, on the loopback interface.

Usage: npm run bench -- [options]

  --scenario NAME[,NAME]   ${names(DEFAULT_SCENARIOS).join(', ')} (these),
                           and on request: ${names(REQUESTED_SCENARIOS).join(', ')}
  --targets NAME[,NAME]    ${TARGET_NAMES}
                           (${DEFAULT_TARGETS.join(',')}; what is not installed is left out;
${ownTargets()})
  --rounds N               rounds, in each of which every target has its turn (5)
  --seconds N              seconds a round (3)
  --connections N          connections of hello and real requests, async and idle-10k (64)
  --rates N[,N]            requests a second of open-real-get and open-hello (${DEFAULT_RATES})
  --quick                  2 rounds of 1 s, 2 s of idling in place of 10 s, and slow clients for 6 s in place of 20 s
  --bun FILE               the bun binary (from PATH)
  --json FILE              also writes every round's figures there
  --check                  exits 1 unless every target that was measured is met, one at least
  --help                   this text
`;

/**
 * Reads the arguments.
 * @returns nothing where help was asked for
 * @throws UsageError
 */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const values = readArguments(args);
  if (values.help) return undefined;
  const quick = values.quick === true;
  return {
    scenarios: values.scenario ? values.scenario.split(',').flatMap(scenariosOf) : DEFAULT_SCENARIOS,
    targets: values.targets?.split(',').map(targetOf),
    rounds: numberOf('rounds', values.rounds, quick ? 2 : 5, 100),
    seconds: numberOf('seconds', values.seconds, quick ? 1 : 3, 60),
    idleSeconds: quick ? 2 : 10,
    slowSeconds: quick ? 6 : 20,
    rates: (values.rates ?? DEFAULT_RATES).split(',').map((rate) => numberOf('rates', rate, 0, MAX_RATE)),
    connections: numberOf('connections', values.connections, 64, 10_000),
    bun: values.bun,
    json: values.json,
    check: values.check === true,
  };
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: text,
        targets: text,
        rounds: text,
        seconds: text,
        connections: text,
        rates: text,
        quick: flag,
        bun: text,
        json: text,
        check: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message} (--help lists the options)`);
  }
}

/** The scenario of a name, or all of a group. */
function scenariosOf(name: string): Scenario[] {
  const found = SCENARIOS.filter((scenario) => scenario.name === name || scenario.group === name);
  if (found.length === 0) throw new UsageError(`no scenario ${name}: one of ${names(SCENARIOS).join(', ')}`);
  return found;
}

/** The targets of a scenario: those of the command line, or its own. */
export function targetsOf({ targets = DEFAULT_TARGETS }: Scenario, options: BenchOptions): readonly Target[] {
  return options.targets ?? targets.map(targetOf);
}

function targetOf(name: string): Target {
  const target = parseTarget(name);
  if (!target) throw new UsageError(`no target ${name}: one of ${TARGET_NAMES}`);
  return target;
}

function numberOf(option: string, value: string | undefined, otherwise: number, max: number): number {
  const number = value === undefined ? otherwise : Number(value);
  if (!Number.isInteger(number) || number < 1 || number > max) {
    throw new UsageError(`--${option} ${value}: a whole number from 1 to ${max}`);
  }
  return number;
}
