/** Splits a command line into its options and its positional argument, in the same way for every command. */
import { parseArgs } from 'node:util';
import { optionError, refuseUnknownNames, show } from '../options/validate.js';

/** The options of a command, by their long names, as parseArgs takes them. The values of one that is `multiple` are joined by commas. */
export type LineOptions = Readonly<
  Record<
    string,
    { readonly type: 'string' | 'boolean'; readonly short?: string; readonly multiple?: boolean }
  >
>;

/**
 * Returns the options of the line and its one positional argument. parseArgs would refuse mistakes by itself, but in several
 * sentences and with advice for programmers. From its tokens, mistakes are refused here, in one line each.
 *
 * @param positional the name of the positional argument, for messages
 * @param help the command that explains the options, for messages
 * @throws PacelineError `PACELINE_OPTION`
 */
export function readLine<Table extends LineOptions>(
  line: readonly string[],
  table: Table,
  positional: string,
  help = 'paceline --help',
): { options: Map<keyof Table, string>; positional: string | undefined } {
  const { tokens } = parseArgs({
    args: [...line],
    options: table,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const options = new Map<keyof Table, string>();
  let word: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'option') {
      const name = checkOption(token, table, help);
      const before = table[name]!.multiple ? options.get(name) : undefined;
      options.set(name, [before ?? [], token.value ?? ''].flat().join());
    } else if (token.kind === 'positional') {
      if (word !== undefined)
        throw optionError(
          `there can be one ${positional} only, not both ${show(word)} and ${show(token.value)}`,
        );
      word = token.value;
    }
  }
  return { options, positional: word };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkOption(
  { name, rawName, value, inlineValue }: OptionToken,
  table: LineOptions,
  help: string,
): string {
  if (!Object.hasOwn(table, name)) {
    const valid = Object.keys(table).map((option) => `--${option}`);
    refuseUnknownNames([rawName], valid, 'option', `${help} lists them`);
  }
  if (table[name]!.type === 'boolean') {
    if (value !== undefined) throw optionError(`${rawName} takes no value, so leave out ${show(value)}`);
  } else if (value === undefined || (!inlineValue && value.startsWith('-'))) {
    throw optionError(`${rawName} needs a value, as in ${rawName} VALUE; ${help} explains it`);
  }
  return name;
}
