/** `paceline dev`: starts the app again when one of its files changes. */
import { randomBytes } from 'node:crypto';
import { close as closeInspector, url as inspectorUrl } from 'node:inspector';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { envFiles, environmentWithoutFiles } from '../dev/env-files.js';
import { Supervisor } from '../dev/supervisor.js';
import { typeScriptOptions } from '../dev/typescript.js';
import type { RunCommand, Settings } from './command.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const EXIT_FAILURE = 1;
const TOKEN_BYTES = 24;

/**
 * Runs until a signal.
 *
 * @param line the command line of a plain run
 * @returns the exit code
 * @throws PacelineError `PACELINE_OPTION` where this Node.js cannot run the app
 */
export async function runDevelopment(
  line: readonly string[],
  { settings, addresses }: RunCommand,
): Promise<number> {
  const { execArgv } = process;
  const node = {
    version: process.versions.node,
    runsTypeScript: 'typescript' in process.features && Boolean(process.features.typescript),
  };
  const added = typeScriptOptions(settings.app, execArgv, node);
  // A child has the same port for its inspector.
  if (inspectorUrl() !== undefined) closeInspector();
  const variables = envFiles(execArgv, process.cwd());
  const token = tokenFor(settings);
  const supervisor = new Supervisor({
    line: [...execArgv, ...added, MAIN, ...line],
    environment: () => ({
      ...(variables.length === 0 ? process.env : environmentWithoutFiles(process.env)),
      ...token,
    }),
    addresses,
    files: [...appFiles(settings.app), ...configFiles(line), ...variables],
    drainMs: settings.drainTimeout,
    say: (text) => process.stderr.write(`paceline: ${text}\n`),
  });
  let isKilled = false;
  const end = (): void => {
    if (isKilled) return;
    process.off('SIGINT', end).off('SIGTERM', end);
    process.on('SIGINT', kill).on('SIGTERM', kill);
    supervisor.end();
  };
  const kill = (): void => {
    isKilled = true;
    void supervisor.kill();
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  const code = await supervisor.run();
  return isKilled ? EXIT_FAILURE : code;
}

/** Without a token that the user has chosen, each child would have another one, and an open page could not follow. */
function tokenFor({ dashboardToken, dashboardTokenFile }: Settings): NodeJS.ProcessEnv {
  if (dashboardToken !== undefined || dashboardTokenFile !== undefined) return {};
  return { PACELINE_DASHBOARD_TOKEN: randomBytes(TOKEN_BYTES).toString('base64url') };
}

/** The config file that is named, and those that may be there. */
function configFiles(line: readonly string[]): string[] {
  const usual = ['json', 'js', 'mjs', 'ts', 'mts'].map((ending) => `paceline.config.${ending}`);
  const { values } = parseArgs({
    args: [...line],
    options: { config: { type: 'string' } },
    strict: false,
    allowPositionals: true,
  });
  const named = values.config ?? process.env.PACELINE_CONFIG;
  return (typeof named === 'string' && named !== '' ? [named] : usual).map((name) => resolve(name));
}

function appFiles(app: string | undefined): string[] {
  if (app === undefined || app.startsWith('data:')) return [];
  return [app.startsWith('file:') ? fileURLToPath(app) : resolve(app)];
}
