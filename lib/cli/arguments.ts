/**
 * Reads the settings of a run from the command line, the environment and the config file, in this order of precedence, by
 * the table of options. The first source that has an option decides, and only the value that decides is checked.
 */
import { resolve } from 'node:path';
import { OPTIONS, type Option, SWITCHES } from '../options/option-table.js';
import { addressesOf, type RankOf, variablesOf } from './addresses.js';
import type { Command, CommandContext, Settings } from './command.js';
import { readCompareArguments } from './compare-arguments.js';
import { ConfigFile, type SourcedValue } from './config-file.js';
import { type LineOptions, readLine } from './line.js';
import { readTopArguments } from './top-arguments.js';

/** The options in the form that parseArgs takes. */
const LINE_OPTIONS: LineOptions = Object.fromEntries([
  ...OPTIONS.flatMap(({ flag, short, isRepeatable: multiple }) =>
    flag === undefined
      ? []
      : [[flag, { type: 'string', ...(short && { short }), ...(multiple && { multiple }) }]],
  ),
  ...Object.entries(SWITCHES).map(([flag, { short }]) => [flag, { type: 'boolean', short }]),
]);

const POSITIONAL = OPTIONS.find(({ isPositional }) => isPositional)!.metavar;

/**
 * Reads the command line.
 *
 * @param line the arguments after the command's own name
 * @throws PacelineError `PACELINE_OPTION` for a usage error
 */
export async function readArguments(line: readonly string[], context: CommandContext): Promise<Command> {
  // An app or a directory called top or compare can be named as ./top.
  if (line[0] === 'top') return readTopArguments(line.slice(1), context.environment);
  if (line[0] === 'compare') return readCompareArguments(line.slice(1), context);
  const words = readLine(line, LINE_OPTIONS, POSITIONAL);
  if (words.options.has('help')) return { action: 'help' };
  if (words.options.has('version')) return { action: 'version' };

  const findOutsideFile = (option: Option): SourcedValue | undefined => {
    const { flag, variable, metavar, isPositional } = option;
    const word = isPositional ? words.positional : flag && words.options.get(flag);
    // An empty variable counts as not set: shells and container files often cannot unset one.
    const text = word ?? (context.environment[variable] || undefined);
    if (text === undefined) return undefined;
    const name = word === undefined ? variable : flag === undefined ? metavar : `--${flag}`;
    return {
      value: option.kind.fromText?.(text) ?? text,
      name,
      directory: context.workingDirectory,
      rank: word === undefined ? 1 : 0,
    };
  };
  const config = await ConfigFile.read(findOutsideFile(optionOf('config')), context.workingDirectory);
  const found = new Map(
    OPTIONS.filter(({ name }) => name !== 'config').map(
      (option) => [option, findOutsideFile(option) ?? config.find(option)] as const,
    ),
  );
  const settings = Object.fromEntries(
    Array.from(found, ([option, value]) => [option.name, readSetting(option, value)]),
  ) as Settings;
  const rankOf: RankOf = (name) => found.get(optionOf(name))?.rank ?? Number.POSITIVE_INFINITY;
  return {
    action: 'run',
    settings,
    addresses: addressesOf(settings, rankOf),
    environment: variablesOf(settings, rankOf),
  };
}

const optionOf = (name: Option['name']): Option => OPTIONS.find((candidate) => candidate.name === name)!;

function readSetting({ name, kind, default: byDefault }: Option, found: SourcedValue | undefined): unknown {
  if (found === undefined) return byDefault;
  const value = kind.check(found.value, found.name);
  return name === 'app' ? absoluteApp(String(value), found.directory) : value;
}

const absoluteApp = (app: string, directory: string): string =>
  /^(file|data):/i.test(app) ? app : resolve(directory, app);
