/** The output of `paceline compare --help`. */
import { DEMO_MIXES } from '../compare/mixes.js';
import { RATE_MAX } from '../compare/protocol.js';
import { STRATEGIES } from '../strategies/descriptions.js';

/** At most 80 columns wide. */
export const compareHelpText = (): string => `\
paceline compare: an app under several concurrency models, side by side.

Usage: paceline compare [APP] [options]

  APP                    module of the app, or a directory of files to serve;
                         without one, the built-in demo

      --strategy A,B     the models, one to four; one may be there twice
                         [leader-followers,reactor]
  -t, --threads N[,M]    threads of each server, or of one after the other
                         [each model's own default]
      --mix NAME         what the demo is asked for [blocking]
      --path PATHS       what your app is asked for, each with its weight, as in
                         /fast@99,/report@1 [/]
      --rate R           requests per second to each server, at most ${RATE_MAX} [200]
      --turns            ask one server after the other, for a second each,
                         instead of all at the same moments
  -p, --port N           where the page is served, on 127.0.0.1
                         [9070, or any free port where that one is taken]
      --seconds S        measure for so long, print a table, and exit
      --json             print JSON instead
  -h, --help             print this help and exit

Models: ${wrapped(STRATEGIES, 8)}

Mixes of the demo:
${DEMO_MIXES.map(({ name, title }) => `  ${name.padEnd(10)} ${title}\n`).join('')}
Each server is the ordinary command in a process of its own. One more process
sends the load: an open loop, in which requests are due at fixed times whatever
the answers take, and latencies count from then. Request number n is of the same
kind for every server. By default it is due at the same moment for all of them,
and which one is sent it first rotates. The servers and the load share the
machine's cores: while it is not full, that is fair; when it is, the page and
the table say so, and --turns or a lower --rate helps.

Without a terminal the table is printed after 10 s, unless --port is given.

Examples:
  paceline compare
  paceline compare --strategy leader-followers,leader-followers --threads 2,8
  paceline compare app.js --path /fast@99,/report@1 --rate 500
  paceline compare --mix cpu --turns --seconds 20 --json
`;

const MAX_COLUMNS = 80;

/** The names by commas, in lines that begin at a column after the first one. */
function wrapped(names: readonly string[], column: number): string {
  const lines = [''];
  names.forEach((name, index) => {
    const word = index < names.length - 1 ? `${name},` : name;
    const line = lines.at(-1)!;
    if (column + line.length + 1 + word.length > MAX_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  });
  return lines.join(`\n${' '.repeat(column)}`);
}
