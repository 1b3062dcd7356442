/** The texts about options that are made from their table: docs/options.md and the table in the README. */
import {
  defaultOf,
  OPTION_GROUPS,
  OPTIONS,
  type Option,
  type OptionRow,
  SERVER_OPTIONS,
  SWITCHES,
} from '../lib/options/option-table.js';

function code(text: string): string {
  return `\`${text}\``;
}

/** Around the part of the README that is made. */
const BEGIN = '<!-- options: made by npm run docs:options -->';
const END = '<!-- end of options -->';

/** The options without a value, and what each is for. */
const SWITCH_ROWS = Object.entries(SWITCHES).map(
  ([flag, { short, description }]) => [code(`-${short}, --${flag}`), description] as const,
);

const SERVER_NAMES = Object.keys(SERVER_OPTIONS);

const FORMER_KEYS = OPTIONS.filter(({ formerConfigKey }) => formerConfigKey !== undefined).map(
  ({ configKey, formerConfigKey }) => `- \`${formerConfigKey}\` for \`${configKey}\``,
);

/** docs/options.md. */
export const optionsPage = (): string => `\
# Options

<!-- Made by npm run docs:options from lib/options/option-table.ts, so change that file and not this one. -->

The first source that has an option decides: the command line, the environment, the config file, the default. Only the value
that decides is checked. A value that an option cannot have ends the command with exit code 2 and one line that names the
option, the variable or the key. What only the start can find out (no app at that path, an address that is not this machine's)
ends it with exit code 1. An empty environment variable counts as not set, and one that no option has is ignored.

Sizes are whole numbers of bytes, times whole numbers of milliseconds. A relative path is relative to the working directory;
\`app\` in a config file is relative to that file. \`paceline top\` has options of its own; \`paceline --help\` describes them.

${OPTION_GROUPS.map(groupSection).join('\n')}
${SWITCH_ROWS.map(([form, description]) => `- ${form}: ${description}`).join('\n')}

## The config file

\`paceline.config.json\` in the working directory, or the file that \`--config\` or \`PACELINE_CONFIG\` names. The package has a
JSON schema of it, by which editors complete and check it:

\`\`\`json
{
  "$schema": "./node_modules/paceline/dist/lib/config.schema.json",
  "app": "./app.js",
  "port": 3000,
  "threads": { "min": 8, "max": 8 },
  "keepAliveTimeout": 10000,
  "maxBodySize": "unlimited"
}
\`\`\`

\`threads\` may be a number, an object as here, or a text as on the command line. Keys of earlier versions are still read:

${FORMER_KEYS.join('\n')}

## createServer

\`createServer\` has these options, under the names of their config keys:
${SERVER_NAMES.map(code).join(',\n')}.

Without a limit, \`maxBodySize\` is \`Infinity\`. \`dashboard\` is an object with \`host\`, \`port\` and \`anyPortIfTaken\`, or \`false\`,
which is the default. The address to listen on goes to \`server.listen\`. In place of the log's options there is \`logger\`, an object with the functions
\`error\`, \`warn\`, \`info\` and \`debug\`. [lib/options/server-options.ts](../lib/options/server-options.ts) says more about each.
`;

function groupSection(group: Option['group']): string {
  const rows = OPTIONS.filter((option) => option.group === group).map((option) => {
    const { configKey, variable, kind, description } = option;
    return [
      code(optionOf(option)),
      configKey === undefined ? '' : code(configKey),
      code(variable),
      defaultWithUnit(option),
      kind.range ?? '',
      description,
    ];
  });
  const columns = ['option', 'config key', 'environment', 'default', 'unit and range', 'description'];
  return `## ${group}\n\n${table(columns, rows)}`;
}

/** The README's table, with the comments around it. */
function readmeTable(): string {
  const rows = OPTIONS.map((option) => [code(optionOf(option)), defaultWithUnit(option), option.description]);
  const switches = SWITCH_ROWS.map(([form, description]) => [form, '', description]);
  return `${BEGIN}\n\n${table(['option', 'default', ''], [...rows, ...switches])}\n${END}`;
}

/** The README with its table made anew. */
export function withReadmeTable(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the README lacks ${BEGIN} and ${END}`);
  return readme.slice(0, begin) + readmeTable() + readme.slice(end + END.length);
}

/** As it is written on the command line. */
function optionOf({ flag, short, metavar }: Option): string {
  if (flag === undefined) return metavar;
  return `${short === undefined ? '' : `-${short}, `}--${flag} ${metavar}`;
}

/** The default, and what it comes to in a larger unit. */
function defaultWithUnit(row: OptionRow): string {
  const value = Number(row.default);
  if (row.kind.unit === 'bytes') return `${value} (${binary(value)})`;
  if (row.kind.unit === 'ms') return `${value} (${value / 1000} s)`;
  return defaultOf(row);
}

const KIB = 1024;
const binary = (bytes: number): string =>
  bytes % KIB ** 2 === 0 ? `${bytes / KIB ** 2} MiB` : `${bytes / KIB} KiB`;

const table = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
