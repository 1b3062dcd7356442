/**
 * Paceline: a server runtime for Node.js on the Leader/Followers pattern.
 *
 * @module
 */
export type { ListenOptions } from './control/listener.js';
export { PacelineError, type PacelineErrorCode } from './errors.js';
export type { Logger } from './logger.js';
export type { Level, ThreadInfo, Transition } from './observe/observation.js';
export type { DashboardOptions, ServerOptions } from './options/server-options.js';
export type { ThreadRange } from './options/thread-range.js';
export {
  type CloseOptions,
  createServer,
  type DashboardInfo,
  type Server,
  type ThreadExit,
} from './server.js';
export type { ThreadState } from './set/thread-state.js';
export type { TcpApp, TcpConnection } from './tcp/app.js';
export type { FetchApp, FetchContext, RouteDeclaration } from './web/context.js';
