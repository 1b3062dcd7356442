/**
 * The states of the `paceline` command, from its arguments to its exit code:
 *
 *     arguments ──> start ──> serving ──first signal──> draining ──> exit 0
 *         │           ├──first signal──> exit 0
 *         └─> exit 2  └─> exit 1           a second signal, anywhere: exit 1 at once
 *
 * The server, the logger and the native code behind them are imported only after the arguments have asked for a server, so
 * `--help` is quick and works on every platform.
 */

import { oneLine, PacelineError } from '../errors.js';
import type { Logger } from '../logger.js';
import { inUrl } from '../options/host-port.js';
import { DASHBOARD_DEFAULT } from '../options/option-table.js';
import type { DashboardOptions } from '../options/server-options.js';
import type { Server } from '../server.js';
import { requirePlatform } from '../sys/platform.js';
import { version } from '../version.js';
import { readArguments } from './arguments.js';
import type { Settings } from './command.js';
import { allPrinted, exitAtOnce } from './exit.js';
import { helpText } from './help.js';

/** How long requests in flight may take after the first signal. */
const DRAIN_MS = 10_000;

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Runs the command and ends the process. `line` is what follows the command's own name. */
export async function runCommand(line: readonly string[]): Promise<never> {
  // A reader of the output may leave early, as head does. The server goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  let code = 0;
  let mayHaveThreads = false;
  try {
    const command = readArguments(line, { environment: process.env, workingDirectory: process.cwd() });
    if (command.action === 'help') {
      process.stdout.write(helpText());
    } else if (command.action === 'version') {
      process.stdout.write(`${version()}\n`);
    } else if (command.action === 'top') {
      const { runTop } = await import('./top.js');
      await runTop(command.target);
    } else {
      requirePlatform();
      mayHaveThreads = true;
      await serve(command.settings);
    }
  } catch (error) {
    process.stderr.write(`paceline: ${oneLine(error)}\n`);
    const isUsage = error instanceof PacelineError && error.code === 'PACELINE_OPTION';
    code = isUsage ? EXIT_USAGE : EXIT_FAILURE;
  }
  await allPrinted();
  return mayHaveThreads ? exitAtOnce(code) : process.exit(code);
}

/** Serves until a signal has come and the requests in flight are finished. */
async function serve(settings: Settings): Promise<void> {
  const { host, port, dashboard, logLevel, logFormat, ...options } = settings;
  const { createLogger } = await import('./log.js');
  const logger = createLogger({
    level: logLevel,
    format: logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json'),
  });
  const signal = firstSignal(logger);
  const { createServer } = await import('../server.js');
  const server = createServer({ ...options, logger, dashboard: dashboardOptions(dashboard) });
  let serving = false;
  server.on('error', (error: Error) => {
    // During the start, listen() rejects with the same error, and a failed start prints exactly one line.
    if (serving) logger.error(oneLine(error), { error });
  });
  try {
    const early = await Promise.race([server.listen({ host, port }), signal]);
    // No client is served yet, so there is nothing to drain; and a thread may be inside an app that never loads.
    if (early !== undefined) return;
  } catch (error) {
    logger.debug('could not start', { error });
    throw error;
  }
  serving = true;
  process.stdout.write(`paceline: listening on ${urlOf(server)}\n`);
  if (server.dashboard !== null) process.stdout.write(`paceline: dashboard at ${server.dashboard.url}\n`);
  logger.info(
    `${await signal}: finishing the requests in flight, for ${DRAIN_MS / 1000} s at most; once more exits now`,
  );
  await server.close({ drainMs: DRAIN_MS });
}

/** Falls back to any free port only for the default address: a port that the user named must be available. */
function dashboardOptions(asked: Settings['dashboard']): DashboardOptions | false {
  if (asked === 'off') return false;
  return asked ?? { ...DASHBOARD_DEFAULT, anyPortIfTaken: true };
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

function urlOf(server: Server): string {
  const address = server.address();
  if (typeof address === 'string') return `unix:${address}`;
  return `${server.protocol}://${inUrl(address.address)}:${address.port}`;
}
