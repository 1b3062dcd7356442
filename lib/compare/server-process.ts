/** One of the servers that are compared: the ordinary command in a process of its own. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { PacelineError } from '../errors.js';
import type { StrategyName } from '../strategies/descriptions.js';
import { Children } from './children.js';

const LISTENING = /^paceline: listening on (http:\S+)$/;
const DASHBOARD = /^paceline: dashboard at (\S+)$/;
const NO_HTTP = 'a comparison sends HTTP requests, and the app listens for something else';
const HOST = '127.0.0.1';
const TOKEN_BYTES = 24;

/** What is to be compared, as far as it is about the servers. */
export interface ServerPlan {
  /** Its name among the models. */
  readonly name: string;
  readonly strategy: StrategyName;
  /** Undefined for the strategy's default. */
  readonly threads: number | undefined;
}

export interface StartedServer {
  readonly plan: ServerPlan;
  readonly pid: number;
  /** Where the app is served, and the dashboard with its token. */
  readonly url: string;
  readonly dashboard: string;
  /** Resolves with a sentence once the process has ended. */
  readonly ended: Promise<string>;
}

/**
 * Starts a server and resolves once all its threads have loaded the app.
 *
 * @param main the module of the command
 * @param app undefined for the demo app
 * @param say gets what the process writes to standard error, by lines
 * @throws PacelineError `PACELINE_STATE` when the process ends instead, or serves no HTTP
 */
export async function startServer(
  {
    children,
    main,
    app,
    say,
  }: { children: Children; main: URL; app: string | undefined; say(line: string): void },
  plan: ServerPlan,
): Promise<StartedServer> {
  const { PORT, HOST: _host, ...environment } = process.env;
  // Not on its command line, which other users of the machine can read.
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const child = children.start(main, lineOf(plan, app), {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...environment, PACELINE_DASHBOARD_TOKEN: token },
  });
  createInterface(child.stderr!).on('line', (line) => say(`${plan.name}: ${line}`));
  const ended = Children.endOf(child, `the server of ${plan.name}`);
  const places = await Promise.race([placesOf(child), ended]);
  if (typeof places === 'string') throw new PacelineError('PACELINE_STATE', places);
  if (places.url === '') throw new PacelineError('PACELINE_STATE', NO_HTTP);
  return { plan, pid: child.pid!, ...places, ended };
}

function lineOf({ strategy, threads }: ServerPlan, app: string | undefined): string[] {
  return [
    ...(app === undefined ? [] : [app]),
    ...['--strategy', strategy],
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
    ...['--host', HOST, '--port', '0', '--dashboard', `${HOST}:0`],
    // What it writes is passed on to where this process writes.
    ...['--log-level', 'warn', '--log-format', process.stderr.isTTY ? 'pretty' : 'json'],
  ];
}

/** Resolves with the two addresses once the command has printed them; the dashboard's comes last. Without HTTP the first is empty. */
function placesOf(child: ChildProcess): Promise<{ url: string; dashboard: string }> {
  return new Promise((resolve) => {
    let url = '';
    createInterface(child.stdout!).on('line', (line) => {
      url ||= LISTENING.exec(line)?.[1] ?? '';
      const dashboard = DASHBOARD.exec(line)?.[1];
      if (dashboard !== undefined) resolve({ url, dashboard });
    });
  });
}
