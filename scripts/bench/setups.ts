// What a server serves, and the modules of its apps.

/**
 * What a server serves: the small handler; the same with idle connections kept for 75 s, as all targets but paceline's command
 * do anyway; the same with a dashboard, which only paceline has; that with a route that throws, and with few descriptors; the
 * small handler with no route that counts as blocking; the app of the real requests; a handler that does next to nothing; the
 * folder of `filesFolder()`; an echo over raw TCP, which only TCP_RUNTIMES serve; or an app of node:http, which only NODE_RUNTIMES
 * serve.
 */
export type Setup =
  | 'handler'
  | 'held'
  | 'dashboard'
  | 'control'
  | 'few-descriptors'
  | 'unlearned'
  | 'real'
  | 'bare'
  | 'files'
  | 'echo'
  | 'express-hello'
  | 'fastify-hello'
  | 'express-shop';

/** Setups for which only paceline has a server of its own. */
export const OWN_SETUPS: readonly Setup[] = ['held', 'unlearned'];
export const WITH_DASHBOARD: readonly Setup[] = ['dashboard', 'control', 'few-descriptors'];
/** About three times what a server with four threads and a dashboard needs for itself. */
export const FEW_DESCRIPTORS = 256;
export const ANSWERS_REAL_REQUESTS: readonly Setup[] = ['real', 'express-shop'];

/** The apps, by the names of their modules; every other setup has the small handler. */
const APPS: Partial<Readonly<Record<Setup, string>>> = {
  control: 'control-app',
  'few-descriptors': 'control-app',
  unlearned: 'unlearned-app',
  real: 'real-app',
  bare: 'bare-app',
  files: 'files-app',
  'express-hello': 'node/express-hello',
  'fastify-hello': 'node/fastify-hello',
  'express-shop': 'node/express-shop',
};
const SMALL_APP = 'handler';

/** The apps of node:http in server files, which call listen() themselves. */
export const SERVER_FILES: Partial<Readonly<Record<Setup, string>>> = {
  'express-hello': 'node/express-hello-server',
  'fastify-hello': 'node/fastify-hello-server',
  'express-shop': 'node/express-shop-server',
};

/** The module of a setup's app. */
export function appOf(setup: Setup): string {
  return APPS[setup] ?? SMALL_APP;
}
