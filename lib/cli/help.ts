/** The output of `paceline --help`; its options come from the table of options. */
import {
  defaultOf,
  OPTION_GROUPS,
  OPTIONS,
  type Option,
  SWITCHES,
  VARIABLE_PREFIX,
} from '../options/option-table.js';

const MAX_COLUMNS = 80;
/** Where the descriptions begin: after the longest option, two columns apart. */
const DESCRIPTION_COLUMN = 35;

/** At most 80 columns wide. */
export const helpText = (): string => `\
paceline: a server on the Leader/Followers pattern. Any free thread takes the
next ready request, so a handler that blocks stalls nobody else. --strategy
serves by another concurrency model.

Usage: paceline [APP] [options]
       paceline dev [APP] [options]
       paceline top [URL] [--dashboard ADDR] [--token TOKEN]
       paceline compare [APP] [options]; see paceline compare --help

  APP  module of the app, or a directory of files to serve; without one, the
       built-in demo

${OPTION_GROUPS.map(groupText).join('')}\
BYTES and MS (milliseconds) are whole numbers. An option goes before its
environment variable, that before the config file, and that before the
[default]. The variable is ${VARIABLE_PREFIX} and the option's name, as in
PACELINE_MAX_BODY_SIZE, unless a $VARIABLE is named here. The config file has
the names in camel case, and app:
{ "app": "./app.js", "port": 3000, "maxBodySize": 65536, "logLevel": "warn" }

dev (or --watch) starts again when a file that the app loads is saved, without
losing the port, and shows errors in the terminal and the browser.

top shows a server's threads in the terminal. URL is what the server printed as
its dashboard, http://HOST:PORT/#TOKEN; $PACELINE_DASHBOARD_TOKEN may have the
token, too. In a pipe, top prints one table and ends; q ends it in a terminal.

compare runs an app under several concurrency models side by side, under the
same load, and shows them on one page.

Logs go to standard error. SIGTERM or SIGINT finishes the requests in flight and
exits; a second one exits at once.

Examples:
  paceline                            the demo on http://127.0.0.1:8080
  paceline app.js -p 3000 -t 8        your app, with eight threads
  paceline dev app.js                 your app, started again at each change
  paceline ./public                   the files of a directory
  paceline top http://127.0.0.1:9080/#TOKEN
  paceline compare --strategy leader-followers,reactor
  PORT=0 paceline app.js --host ::    any free port, on all addresses

The default export of an app is one of:
  { fetch(request, context) }         web-standard Request to Response
  { data(connection, bytes) }         raw TCP
`;

/** The options of a group under its heading; empty for a group without command-line options. */
function groupText(group: Option['group']): string {
  const options = OPTIONS.filter((option) => option.group === group && option.flag !== undefined);
  const lines = options.map((option) =>
    entry(`${shortForm(option.short)}--${option.flag} ${option.metavar}`, descriptionOf(option)),
  );
  if (group === 'Command') {
    for (const [flag, { short, description }] of Object.entries(SWITCHES)) {
      lines.push(entry(`${shortForm(short)}--${flag}`, withoutFullStop(description)));
    }
  }
  return lines.length === 0 ? '' : `${group}:\n${lines.join('')}\n`;
}

function descriptionOf(option: Option): string {
  const description = `${withoutFullStop(option.description)} [${defaultOf(option)}]`;
  return option.variable.startsWith(VARIABLE_PREFIX) ? description : `${description} $${option.variable}`;
}

const withoutFullStop = (sentence: string): string => sentence.replace(/\.$/, '');

const shortForm = (short: string | undefined): string => (short === undefined ? '      ' : `  -${short}, `);

function entry(option: string, description: string): string {
  // An option that does not fit beside its description has a line of its own.
  const lines = option.length < DESCRIPTION_COLUMN ? [''] : ['', ''];
  for (const word of description.split(' ')) {
    const line = lines.at(-1)!;
    if (DESCRIPTION_COLUMN + line.length + 1 + word.length > MAX_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines
    .map((line, index) => `${(index === 0 ? option : '').padEnd(DESCRIPTION_COLUMN)}${line}\n`)
    .join('');
}
