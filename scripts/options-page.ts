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

\`paceline.config.json\`, \`.js\`, \`.mjs\`, \`.ts\` or \`.mts\` in the working directory, or the file that \`--config\` or
\`PACELINE_CONFIG\` names. Two of them in the working directory are a mistake. The package has a JSON schema of it, by which
editors complete and check it:

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

\`threads\` may be a number, an object as here, or a text as on the command line; \`listen\` one text, or a list of them. A module
exports the same object by default, and \`defineConfig\` gives it its type:

\`\`\`ts
import { defineConfig } from 'paceline';

export default defineConfig({
  app: './app.ts',
  port: process.env.PORT ?? 3000,
  accessLog: process.env.NODE_ENV === 'production' ? 'json' : 'off',
});
\`\`\`

There, \`undefined\` counts as left out, \`app\` may be a URL, and \`maxBodySize\` may be \`Infinity\`. TypeScript runs from Node.js 22.18
on without a flag. The module is loaded by the main thread, once at each start.

Keys of earlier versions are still read:

${FORMER_KEYS.join('\n')}

## Where it listens

\`--listen\` stands in place of \`--port\` and \`--host\`. Where these are given as well, they come first; but a \`PORT\` of the environment
has no effect beside \`--listen\` on the command line, as a later source has none beside an earlier one. An app finds the first
address in \`PORT\` and \`HOST\`. Every address serves what the app exports; an exported server of \`node:http\` reports the first one as its
own. A server file listens where it says itself, and gets the socket that \`fd:N\` names if it asks for that socket's address.

\`fd:N\` is a stream socket that the process has inherited, bound or listening already: with systemd, the first one of a socket unit is
\`fd:3\`. The path of an inherited Unix socket stays when the server ends; one that \`unix:PATH\` has made is removed. On the command line
and in \`PACELINE_LISTEN\` a comma separates addresses, so a path with a comma has to be in a config file.

## The token of the dashboard

The URL of the dashboard ends with a token, which gives access to everything that the dashboard shows. Without a setting, each start makes
a new one. With a fixed one, a page that is left open connects again after a restart. It comes from \`PACELINE_DASHBOARD_TOKEN\`, or
from the file that \`--dashboard-token-file\` names, whose final line break does not count. There is no option for the token itself:
every user of a machine can read the command lines of its processes (\`ps\`).

## createServer

\`createServer\` has these options, under the names of their config keys:
${SERVER_NAMES.map(code).join(',\n')}.

Without a limit, \`maxBodySize\` is \`Infinity\`. \`dashboard\` is an object with \`host\`, \`port\`, \`anyPortIfTaken\`, \`token\` and \`showQueries\`,
or \`false\`, which is the default. \`drainTimeout\` is the default of \`server.close({ drainMs })\`. The addresses go to \`server.listen\`: \`{ port, host }\`,
\`{ path }\` or \`{ fd }\`, or a list of these. In place of the log's options there is \`logger\`: an object with the functions \`error\`, \`warn\`, \`info\`
and \`debug\`, a pino or bunyan logger, \`console\`, or \`false\`. [lib/options/server-options.ts](../lib/options/server-options.ts) says more about each.
`;

function groupSection(group: Option['group']): string {
  const rows = OPTIONS.filter((option) => option.group === group).map((option) => {
    const { configKey, variable, kind, description } = option;
    return [
      codeOrNothing(optionOf(option)),
      codeOrNothing(configKey),
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
  const rows = OPTIONS.map((option) => [
    code(optionOf(option) ?? option.variable),
    defaultWithUnit(option),
    option.description,
  ]);
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

const codeOrNothing = (text: string | undefined): string => (text === undefined ? '' : code(text));

/** As it is written on the command line; undefined where it is not. */
function optionOf({ flag, short, metavar, isPositional }: Option): string | undefined {
  if (flag === undefined) return isPositional ? metavar : undefined;
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
