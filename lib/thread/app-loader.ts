/** Loads an app module and determines its protocol. */
import { oneLine, PacelineError } from '../errors.js';
import { DeclaredRoutes } from '../routes/declared-routes.js';
import type { TcpApp } from '../tcp/app.js';
import type { FetchApp } from '../web/context.js';

export type App =
  | { readonly protocol: 'http'; readonly app: FetchApp; readonly routes: DeclaredRoutes }
  | { readonly protocol: 'tcp'; readonly app: TcpApp };

/**
 * Imports a module and takes its default export, or the module itself, as the app.
 *
 * @throws PacelineError `PACELINE_APP_LOAD` when it does not load, `PACELINE_APP_SHAPE` when it is no app, or declares
 * routes that are malformed
 */
export async function loadApp(url: string): Promise<App> {
  const module = await settled(url, importApp(url));
  const app = appOf(url, module.default) ?? appOf(url, module);
  if (app !== undefined) return app;
  if (typeof module.default === 'function') {
    throw new PacelineError(
      'PACELINE_APP_SHAPE',
      `the app ${describeApp(url)} exports a function; Node request listeners are not served in this version: export an object with a fetch(request) method`,
    );
  }
  throw new PacelineError(
    'PACELINE_APP_SHAPE',
    `the app ${describeApp(url)} exports no app: its default export needs a fetch(request) method, or for raw TCP a data(connection, bytes) method`,
  );
}

async function importApp(url: string): Promise<Record<string, unknown>> {
  try {
    return await import(url);
  } catch (cause) {
    throw new PacelineError(
      'PACELINE_APP_LOAD',
      `the app ${describeApp(url)} did not load: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/**
 * `loading`, or an error as soon as nothing is left that could settle it: Node.js asks for more work then, before it ends the
 * thread with the exit code 13.
 */
function settled<T>(url: string, loading: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onIdle = (): void =>
      reject(
        new PacelineError(
          'PACELINE_APP_LOAD',
          `the app ${describeApp(url)} did not load: it awaits something at its top level that never settles, and nothing is under way that could settle it`,
        ),
      );
    process.once('beforeExit', onIdle);
    loading.then(resolve, reject).finally(() => process.off('beforeExit', onIdle));
  });
}

function appOf(url: string, value: unknown): App | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  if ('fetch' in value && typeof value.fetch === 'function') return httpApp(url, value as FetchApp);
  if ('data' in value && typeof value.data === 'function') return { protocol: 'tcp', app: value as TcpApp };
  return undefined;
}

function httpApp(url: string, app: FetchApp): App {
  try {
    return { protocol: 'http', app, routes: new DeclaredRoutes(app.routes) };
  } catch (cause) {
    throw new PacelineError(
      'PACELINE_APP_SHAPE',
      `the app ${describeApp(url)} does not declare its routes as it should: ${oneLine(cause)}`,
      { cause },
    );
  }
}

/** The app's path as shown in messages, if the URL has one; else the URL. */
export const describeApp = (url: string): string =>
  url.startsWith('file:') ? decodeURIComponent(new URL(url).pathname) : url;

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
