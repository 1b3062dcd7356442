// The command line of the benchmark.

import { parseArgs } from 'node:util';
import type { Scenario, Settings } from './scenario.js';
import { SCENARIOS, SUITES } from './scenarios.js';
import { DEFAULT_TARGETS, type Extent, parseTarget, TARGET_NAMES, type Target } from './targets.js';

export interface BenchOptions extends Settings {
  readonly extent: Extent;
  readonly scenarios: readonly Scenario[];
  /** Where they are named; each scenario has its own otherwise. */
  readonly targets: readonly Target[] | undefined;
  /** Where a number is named; see `roundsOf`. */
  readonly rounds: number | undefined;
  readonly bun: string | undefined;
  readonly json: string | undefined;
  /** The folder for the plots. */
  readonly plots: string | undefined;
  readonly check: boolean;
}

/** A command line that is wrong; the message says what would be right. */
export class UsageError extends Error {}

const MAX_RATE = 200_000;

/** The scenarios' names, and those of groups in front of their first one. */
const names = (scenarios: readonly Scenario[]) => [
  ...new Set(scenarios.flatMap(({ name, group }) => (group ? [group, name] : [name]))),
];
const others = SCENARIOS.filter(({ name }) => !SUITES.full.includes(name));
const more = SUITES.full.filter((name) => !SUITES.main.includes(name));

export const HELP = `Compares server runtimes on this machine, on the loopback interface.

Usage: npm run bench -- [options]

  (nothing)                ${SUITES.main.join(', ')},
                           with the servers that matter most: some 14 minutes
  --full                   ${more.join(', ')} too, with all servers: some 24 minutes
  --quick                  ${SUITES.quick.join(', ')}, with few servers: a minute
  --scenario NAME[,NAME]   these instead; also ${names(others).join(', ')}
  --targets NAME[,NAME]    these servers instead: ${TARGET_NAMES}
                           (what is not installed is left out; Bun, Deno and piscina are installed into your cache folder)
  --rounds N               rounds, in each of which every target has its turn (3; where they take long 2 or 1; quick: 2)
  --seconds N              seconds a round (1)
  --connections N          connections, where the scenario has no number of its own (64)
  --rates N[,N]            requests a second of the open loop, in place of each scenario's own
  --bun FILE               the bun binary (from PATH)
  --json FILE              also writes every round's figures there
  --plots FOLDER           also draws a plot of each scenario there
  --check                  exits 1 unless every target that was measured is met, one at least
  --help                   this text

With --quick, servers warm up for 1 s in place of 3 s, idle scenarios last 2 s in place of 10 s, slow clients 6 s in place of
20 s, and nothing is installed.
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
  if (quick && values.full) throw new UsageError('--quick and --full exclude each other');
  const extent = quick ? 'quick' : values.full ? 'full' : 'main';
  return {
    extent,
    scenarios: (values.scenario?.split(',') ?? SUITES[extent]).flatMap(scenariosOf),
    targets: values.targets?.split(',').map(targetOf),
    rounds: values.rounds === undefined ? undefined : numberOf('rounds', values.rounds, 0, 100),
    seconds: numberOf('seconds', values.seconds, 1, 60),
    warmUpSeconds: quick ? 1 : 3,
    idleSeconds: quick ? 2 : 10,
    slowSeconds: quick ? 6 : 20,
    rates: values.rates?.split(',').map((rate) => numberOf('rates', rate, 0, MAX_RATE)),
    connections: numberOf('connections', values.connections, 64, 10_000),
    bun: values.bun,
    json: values.json,
    plots: values.plots,
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
        full: flag,
        bun: text,
        json: text,
        plots: text,
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

/** The targets of a scenario that it applies to: those of the command line, or its own. */
export function targetsOf(scenario: Scenario, { targets, extent }: BenchOptions): readonly Target[] {
  const own = scenario.targets ?? DEFAULT_TARGETS;
  const named = typeof own === 'function' ? own(extent) : own;
  return (targets ?? named.map(targetOf)).filter(scenario.appliesTo);
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
