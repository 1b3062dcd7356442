/** Loads an app module and determines what it is. */
import type { Server } from 'node:net';
import { oneLine, PacelineError } from '../errors.js';
import { listenAlsoAt } from '../node/listening.js';
import { type ErrorRecord, errorRecord } from '../report/error-record.js';
import { summary } from '../report/render-error.js';
import { DeclaredRoutes } from '../routes/declared-routes.js';
import type { TcpApp } from '../tcp/app.js';
import type { FetchApp } from '../web/context.js';
import { type Hooks, hooksOf, initialize } from './app-hooks.js';
import { hasCalledListen } from './listen-calls.js';
import { importMain } from './main-module.js';
import type { OwnListenOptions, ThreadStart } from './messages.js';
import { closerOf, isMuteListener, nodeServerOf } from './node-apps.js';

type WebApp =
  | { readonly kind: 'fetch'; readonly app: FetchApp; readonly routes: DeclaredRoutes }
  | { readonly kind: 'tcp'; readonly app: TcpApp };

export type App = (
  | WebApp
  /** Servers of Node: the one that the module exports, which listens on the server's own addresses; or those that listen in the module. */
  | { readonly kind: 'listens'; readonly routes: DeclaredRoutes }
) & {
  readonly close: Hooks['close'];
  /** What is probably not meant so; null for nothing. */
  readonly doubt: string | null;
};

const MUTE_LISTENER =
  'the default export is a function, so it is a listener of node:http, but it takes the request alone and cannot answer; to return a Response, write export default { fetch: (request) => … }';

/** The servers of this thread, as far as they listen. */
export interface OwnListeners {
  /** Resolves once one listens. */
  listening(): Promise<void>;
}

/** What the app is loaded with. */
export type AppStart = Pick<ThreadStart, 'app' | 'nodeLimits' | 'ownAddresses' | 'number'>;

/** Time for a module that exports nothing to listen: it may connect to a database first, for instance. */
const LISTEN_MS = 10_000;

/**
 * Loads a module, as node does with its main module, and takes its default export, or the module itself, as the app. A module that listens itself is one as well, even if
 * it exports a server or listener of Node: many do that for their tests. The `init` hooks of an app are awaited; those of a module that listens are
 * not called, as it has started by itself, and a function of that name may be what has started it.
 *
 * @throws PacelineError `PACELINE_APP_LOAD` when it does not load or its `init` fails, `PACELINE_APP_SHAPE` when it neither exports an app nor listens, or
 * declares routes that are malformed
 */
export async function loadApp(start: AppStart, listeners: OwnListeners): Promise<App> {
  const { app: url, nodeLimits, ownAddresses } = start;
  const never = `the app ${describeApp(url)} did not load: it awaits something at its top level that never settles, and nothing is under way that could settle it`;
  const idle = new PacelineError('PACELINE_APP_LOAD', never);
  const module = await settled(importApp(url), idle);
  const exported = exportOf(module);
  const app = webAppOf(url, exported) ?? webAppOf(url, module);
  if (app !== undefined) {
    const hooks = hooksOf(module, app.kind === 'fetch' ? app.app : null, app.app);
    await initialized(start, hooks);
    return { ...app, close: hooks.close, doubt: null };
  }
  const routes = routesOf(url, () => module.routes);
  const hooks = hooksOf(module, closerOf(exported), null);
  let doubt: string | null = null;
  if (!hasCalledListen()) {
    const server = await settled(serverOf(url, exported, nodeLimits), idle);
    if (server !== null) {
      await initialized(start, hooks);
      if (isMuteListener(exported)) doubt = MUTE_LISTENER;
      listenAtAll(server, ownAddresses);
    }
  }
  const silent = new PacelineError(
    'PACELINE_APP_SHAPE',
    `the app ${describeApp(url)} exports no app and does not listen: its default export needs a fetch(request) method, or for raw TCP a data(connection, bytes) method, or is a listener or server of node:http; or it calls listen() itself`,
  );
  await settled(listeners.listening(), silent, LISTEN_MS);
  return { kind: 'listens', routes, close: hooks.close, doubt };
}

function initialized({ app: url, number }: AppStart, hooks: Hooks): Promise<void> {
  const hook = `the app ${describeApp(url)} did not load: its init hook`;
  const never = `${hook} never settles, and nothing is under way that could settle it`;
  const initializing = initialize(hooks, number).catch((cause) => {
    throw loadError(`${hook} failed`, cause);
  });
  return settled(initializing, new PacelineError('PACELINE_APP_LOAD', never));
}

function listenAtAll(server: Server, [first, ...others]: readonly OwnListenOptions[]): void {
  const requests = others.map(({ host, port, path }) => ({
    address: host ?? null,
    port: port ?? -1,
    path: path ?? null,
  }));
  listenAlsoAt(server, requests);
  server.listen(first);
}

/** The default export; that of a CommonJS module which was compiled from an ES module, too. */
function exportOf({ default: exported }: Record<string, unknown>): unknown {
  const compiled = exported as { __esModule?: unknown; default?: unknown } | null | undefined;
  return compiled?.__esModule === true ? compiled.default : exported;
}

async function importApp(url: string): Promise<Record<string, unknown>> {
  try {
    return await importMain(url);
  } catch (cause) {
    throw loadError(`the app ${describeApp(url)} did not load`, cause);
  }
}

async function serverOf(
  url: string,
  exported: unknown,
  limits: AppStart['nodeLimits'],
): Promise<Server | null> {
  try {
    return await nodeServerOf(exported, limits);
  } catch (cause) {
    throw loadError(`the app ${describeApp(url)} did not get ready`, cause);
  }
}

/** The error with what the app threw, and the place where it did. */
function loadError(what: string, cause: unknown): PacelineError {
  const record = errorRecord(cause, { frame: true });
  const why = needsTypeScript(record) ? `${record.message}. ${TYPESCRIPT_ADVICE}` : summary(record);
  const advice = isModuleInScript(record) ? `; ${MODULE_ADVICE}` : '';
  return new PacelineError('PACELINE_APP_LOAD', `${what}: ${why}${advice}`, { cause });
}

/** V8 says what it does not expect, and Node says why in a warning of each thread. */
const isModuleInScript = ({ name, message }: ErrorRecord): boolean =>
  name === 'SyntaxError' &&
  /^(Cannot use import statement outside a module|Unexpected token 'export')$/.test(message);

const MODULE_ADVICE = 'for an ES module, write "type": "module" in package.json or name the file .mjs';

/** Node says only that it does not know the extension. */
const needsTypeScript = ({ code, message }: ErrorRecord): boolean =>
  code === 'ERR_UNKNOWN_FILE_EXTENSION' && /"\.[cm]?ts"/.test(message);

const TYPESCRIPT_ADVICE = `TypeScript needs Node.js 22.18 or later, and this is ${process.version}; or compile it to JavaScript first`;

/**
 * `loading`, or an error as soon as nothing is left that could settle it: Node.js asks for more work then, before it ends the
 * thread with the exit code 13. Also after `timeoutMs`, where it is given.
 */
function settled<T>(loading: Promise<T>, error: PacelineError, timeoutMs?: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(error);
    process.once('beforeExit', fail);
    const timer = timeoutMs === undefined ? undefined : setTimeout(fail, timeoutMs).unref();
    loading.then(resolve, reject).finally(() => {
      process.off('beforeExit', fail);
      clearTimeout(timer);
    });
  });
}

function webAppOf(url: string, value: unknown): WebApp | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  if ('fetch' in value && typeof value.fetch === 'function') {
    const app = value as FetchApp;
    return { kind: 'fetch', app, routes: routesOf(url, () => app.routes) };
  }
  if ('data' in value && typeof value.data === 'function') return { kind: 'tcp', app: value as TcpApp };
  return undefined;
}

function routesOf(url: string, declaration: () => unknown): DeclaredRoutes {
  try {
    return new DeclaredRoutes(declaration());
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
