/// <reference types="node" preserve="true" />
/**
 * Paceline: a server runtime for Node.js on the Leader/Followers pattern.
 *
 * @module
 */
export { type Config, defineApp, defineConfig } from './define.js';
export { PacelineError, type PacelineErrorCode } from './errors.js';
export type { Logger } from './logger.js';
export type { Level, ThreadInfo, Transition } from './observe/observation.js';
export type {
  ListenDescriptor,
  ListenOptions,
  ListenPath,
  ListenPort,
} from './options/listen-options.js';
export type { DashboardOptions, ServerOptions } from './options/server-options.js';
export type { ThreadRange } from './options/thread-range.js';
export {
  type CloseOptions,
  createServer,
  type DashboardInfo,
  type Listening,
  type ListeningAddress,
  type Server,
  type ThreadExit,
} from './server.js';
export type { ThreadState } from './set/thread-state.js';
export type { TcpApp, TcpConnection } from './tcp/app.js';
export type { AppHooks, CloseContext, InitContext } from './user-code/hooks.js';
export type { FetchApp, FetchContext, RouteDeclaration, TraceContext } from './web/context.js';
export type { FetchResult, JsonData } from './web/fetch-result.js';
