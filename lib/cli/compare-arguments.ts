/** The arguments of `paceline compare`. */
import { resolve } from 'node:path';
import { DEFAULT_MIX, DEMO_MIXES, type Mix } from '../compare/mixes.js';
import { mixOfPaths } from '../compare/paths.js';
import { RATE_MAX, RATE_MIN } from '../compare/protocol.js';
import { threadCount } from '../compare/rows.js';
import type { ServerPlan } from '../compare/server-process.js';
import { PORT_MAX } from '../options/host-port.js';
import { resolveStrategy, threadsOf } from '../options/strategy.js';
import { resolveThreads } from '../options/thread-range.js';
import { optionError, show } from '../options/validate.js';
import type { Command, CommandContext } from './command.js';
import { readLine } from './line.js';

const OPTIONS = {
  strategy: { type: 'string' },
  threads: { type: 'string', short: 't' },
  port: { type: 'string', short: 'p' },
  rate: { type: 'string' },
  mix: { type: 'string' },
  path: { type: 'string' },
  seconds: { type: 'string' },
  turns: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const DEFAULT_STRATEGIES = 'leader-followers,reactor';
const DEFAULT_RATE = 200;
const MIX_IS_OF_DEMO =
  '--mix names a load of the demo; --path says what else is asked for, as in /fast@99,/report@1';
/** More lanes would not fit above each other, and more servers not on the machine. */
const MAX_SERVERS = 4;
const MAX_SECONDS = 600;

/**
 * Reads what follows `compare`.
 *
 * @throws PacelineError `PACELINE_OPTION`
 */
export function readCompareArguments(
  line: readonly string[],
  { workingDirectory }: Pick<CommandContext, 'workingDirectory'>,
): Command {
  const { options, positional } = readLine(line, OPTIONS, 'APP', 'paceline compare --help');
  if (options.has('help')) return { action: 'compare-help' };
  const app = positional === undefined ? undefined : appOf(positional, workingDirectory);
  const port = options.get('port');
  const seconds = options.get('seconds');
  const mixes = mixesOf(app, options.get('path'));
  if (options.has('mix') && mixes !== DEMO_MIXES) throw optionError(MIX_IS_OF_DEMO);
  const mix = options.get('mix') ?? (mixes.length > 1 ? DEFAULT_MIX : mixes[0]!.name);
  const names = mixes.map(({ name }) => name);
  if (!names.includes(mix)) throw optionError(`--mix must be one of: ${names.join(', ')}; not ${show(mix)}`);
  return {
    action: 'compare',
    options: {
      servers: serversOf(options.get('strategy') ?? DEFAULT_STRATEGIES, options.get('threads')),
      app,
      mixes,
      mix,
      rate: numberOf('rate', options.get('rate') ?? `${DEFAULT_RATE}`, RATE_MIN, RATE_MAX),
      turns: options.has('turns'),
      seconds: seconds === undefined ? undefined : numberOf('seconds', seconds, 1, MAX_SECONDS),
      json: options.has('json'),
      port: port === undefined ? undefined : numberOf('port', port, 0, PORT_MAX),
    },
  };
}

const appOf = (app: string, directory: string): string =>
  /^(file|data):/i.test(app) ? app : resolve(directory, app);

function mixesOf(app: string | undefined, paths: string | undefined): readonly Mix[] {
  if (paths !== undefined) return [mixOfPaths(paths)];
  return app === undefined ? DEMO_MIXES : [mixOfPaths('/')];
}

function serversOf(strategies: string, threads: string | undefined): ServerPlan[] {
  const names = strategies.split(',').map((name) => resolveStrategy(name.trim(), '--strategy'));
  if (names.length > MAX_SERVERS) {
    throw optionError(`--strategy takes ${MAX_SERVERS} models at most, not ${names.length}`);
  }
  const counts = threads?.split(',').map((one) => resolveThreads(one, '--threads').max) ?? [];
  if (counts.length > 1 && counts.length !== names.length) {
    throw optionError(
      `--threads must be one number, or one for each of the ${names.length} models, not ${show(threads)}`,
    );
  }
  const plans = names.map((strategy, index) => ({
    strategy,
    threads: counts.length > 1 ? counts[index] : counts[0],
  }));
  // What a server would refuse is refused before any is started.
  for (const { strategy, threads: count } of plans) threadsOf(strategy, count);
  return plans.map((plan, index) => ({ ...plan, name: nameOf(plan, index, plans) }));
}

/** The strategy; with what distinguishes it where there are several of it. */
function nameOf(
  { strategy, threads }: Omit<ServerPlan, 'name'>,
  index: number,
  plans: readonly Omit<ServerPlan, 'name'>[],
): string {
  const same = plans.filter((plan) => plan.strategy === strategy);
  if (same.length === 1) return strategy;
  const isAlone = threads !== undefined && same.filter((plan) => plan.threads === threads).length === 1;
  return isAlone ? `${strategy} (${threadCount(threads)})` : `${strategy} (${index + 1})`;
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw optionError(`--${name} must be a whole number from ${min} to ${max}, not ${show(text)}`);
  }
  return value;
}
