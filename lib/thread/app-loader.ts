/** Loads an app module and finds out what kind of app it is. */
import { PacelineError } from '../errors.js';
import type { TcpApp } from '../handlers/tcp-connection.js';
import type { FetchApp } from '../web/context.js';

export type App =
  | { readonly protocol: 'http'; readonly app: FetchApp }
  | { readonly protocol: 'tcp'; readonly app: TcpApp };

/**
 * Imports a module and takes its default export, or the module itself, as the app.
 *
 * @throws PacelineError `PACELINE_APP_LOAD` when it does not load, `PACELINE_APP_SHAPE` when it is no app
 */
export async function loadApp(url: string): Promise<App> {
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (cause) {
    throw new PacelineError(
      'PACELINE_APP_LOAD',
      `the app ${describe(url)} did not load: ${messageOf(cause)}`,
      { cause },
    );
  }
  const app = appOf(module.default) ?? appOf(module);
  if (app !== undefined) return app;
  if (typeof module.default === 'function') {
    throw new PacelineError(
      'PACELINE_APP_SHAPE',
      `the app ${describe(url)} exports a function; Node request listeners are not served in this version: export an object with a fetch(request) method`,
    );
  }
  throw new PacelineError(
    'PACELINE_APP_SHAPE',
    `the app ${describe(url)} exports no app: its default export needs a fetch(request) method, or for raw TCP a data(connection, bytes) method`,
  );
}

function appOf(value: unknown): App | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  if ('fetch' in value && typeof value.fetch === 'function')
    return { protocol: 'http', app: value as FetchApp };
  if ('data' in value && typeof value.data === 'function') return { protocol: 'tcp', app: value as TcpApp };
  return undefined;
}

/** A path for people, where the URL has one. */
const describe = (url: string): string =>
  url.startsWith('file:') ? decodeURIComponent(new URL(url).pathname) : url;

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
