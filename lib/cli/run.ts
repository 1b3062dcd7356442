/**
 * The states of the `paceline` command, from its arguments to its exit code:
 *
 *     arguments ──> start ──> serving ──first signal──> draining ──> exit 0
 *         │           ├──first signal──> exit 0
 *         └─> exit 2  └─> exit 1           a second signal, anywhere: exit 1 at once
 *
 * What the app exports is served while other threads still load it (control/plane.ts): requests are drained then, if a signal comes or the
 * start fails. The lines that say where it listens come once all threads have loaded the app.
 *
 * The server, the logger and the native code behind them are imported only after the arguments have asked for a server, so
 * `--help` is quick and works on every platform.
 */

import type { DevChild } from '../dev/child.js';
import { DEV_CHILD } from '../dev/protocol.js';
import { oneLine, PacelineError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Listening } from '../server.js';
import { requirePlatform } from '../sys/platform.js';
import { version } from '../version.js';
import { readArguments } from './arguments.js';
import { portWarning } from './asked-port.js';
import type { RunCommand } from './command.js';
import { compareHelpText } from './compare-help.js';
import { dashboardOptions } from './dashboard-options.js';
import { developmentLine } from './development-line.js';
import { allPrinted, exitAtOnce } from './exit.js';
import { helpText } from './help.js';
import { errorOfApp, reportStartFailure } from './start-failure.js';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Runs the command and ends the process. @param words what follows the command's own name */
export async function runCommand(words: readonly string[]): Promise<never> {
  // A reader of the output may leave early, as head does. The server goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  let code = 0;
  let mayHaveThreads = false;
  const dev = DEV_CHILD in process.env ? (await import('../dev/child.js')).joinSupervisor() : null;
  const { isDevelopment, line } = developmentLine(words);
  try {
    const command = await readArguments(line, { environment: process.env, workingDirectory: process.cwd() });
    if (command.action === 'help') {
      process.stdout.write(helpText());
    } else if (command.action === 'compare-help') {
      process.stdout.write(compareHelpText());
    } else if (command.action === 'version') {
      process.stdout.write(`${version()}\n`);
    } else if (command.action === 'top') {
      const { runTop } = await import('./top.js');
      await runTop(command.target);
    } else if (command.action === 'compare') {
      requirePlatform();
      const { runComparison } = await import('./compare.js');
      code = await runComparison(command.options);
    } else if (isDevelopment) {
      requirePlatform();
      const { runDevelopment } = await import('./dev.js');
      code = await runDevelopment(line, command);
    } else {
      requirePlatform();
      mayHaveThreads = true;
      // The threads inherit it: a server file reads there where to listen.
      Object.assign(process.env, command.environment);
      code = await serve(command, dev);
    }
  } catch (error) {
    process.stderr.write(`paceline: ${oneLine(error)}\n`);
    const isUsage = error instanceof PacelineError && error.code === 'PACELINE_OPTION';
    code = isUsage ? EXIT_USAGE : EXIT_FAILURE;
    await dev?.failed(error, code);
  }
  await allPrinted();
  return mayHaveThreads ? exitAtOnce(code) : process.exit(code);
}

/** Serves until a signal has come and the requests in flight are finished. @returns the exit code */
async function serve(
  { settings, addresses, environment }: RunCommand,
  dev: DevChild | null,
): Promise<number> {
  const {
    port,
    host,
    listen,
    dashboard,
    dashboardToken,
    dashboardTokenFile,
    dashboardShowQueries,
    ...others
  } = settings;
  const { logLevel, logFormat, ...options } = others;
  const place = dashboardOptions(settings);
  const { createLogger } = await import('./log.js');
  const style = { level: logLevel, format: logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json') } as const;
  const logger = createLogger(style);
  const signal = dev === null ? firstSignal(logger) : firstRequest(dev);
  const { Server } = await import('../server.js');
  const server = new Server(
    { ...options, logger, dashboard: dev?.dashboard(place) ?? place },
    { dev: dev !== null },
  );
  dev?.watch(server);
  const listening: Listening[] = [];
  let serving = false;
  const serves = (): void => {
    if (serving) return;
    serving = true;
    dev?.reached('serving', server.dashboard);
  };
  const announce = ({ url }: Listening): void => {
    process.stdout.write(`paceline: listening on ${url}\n`);
  };
  server.on('error', (error: Error) => {
    // Before it serves, listen() rejects with the same error, and a failed start prints exactly one line.
    if (serving) logger.error(oneLine(error), { error });
  });
  let started = false;
  server.on('listening', (one) => {
    if (started) return announce(one);
    listening.push(one);
    // Those of the start are emitted one right after the other.
    process.nextTick(serves);
  });
  try {
    const early = await Promise.race([server.listen(dev?.addresses(addresses) ?? addresses), signal]);
    // No client is served yet, so there is nothing to drain; and a thread may be inside an app that never loads.
    if (early !== undefined && !serving) return 0;
    started = early === undefined;
  } catch (error) {
    if (errorOfApp(error) === undefined) {
      logger.debug('could not start', { error });
      throw error;
    }
    reportStartFailure(error, logger, style);
    await dev?.failed(error, EXIT_FAILURE);
    return EXIT_FAILURE;
  }
  if (started) {
    serves();
    listening.forEach(announce);
    if (server.dashboard !== null) process.stdout.write(`paceline: dashboard at ${server.dashboard.url}\n`);
    const warning = portWarning(environment.PORT, listening);
    if (warning !== null) logger.warn(warning);
    dev?.reached('ready', server.dashboard);
  }
  const reason = await signal;
  // Of a stop for the next version, the supervisor has said why.
  logger[reason === 'stop' ? 'debug' : 'info'](
    `${reason}: finishing the requests in flight, for ${options.drainTimeout / 1000} s at most; once more exits now`,
  );
  await server.close();
  return 0;
}

/**
 * Resolves with the first signal, or when the supervisor asks for the end. Further signals count for nothing: a terminal sends each to
 * all its processes, and the supervisor ends this one where it must.
 */
function firstRequest(dev: DevChild): Promise<NodeJS.Signals | 'stop'> {
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
  return Promise.race([signal, dev.stopped]);
}

/** Resolves with the first SIGTERM or SIGINT, and ends the process at the second. */
function firstSignal(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (!asked) {
        asked = true;
        resolve(signal);
        return;
      }
      logger.warn(`${signal}, the second signal: exiting at once`);
      void exitAtOnce(EXIT_FAILURE);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
