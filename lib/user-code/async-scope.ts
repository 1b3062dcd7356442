/**
 * The async scopes of user code: whatever a handler sets by AsyncLocalStorage.enterWith() stays with its own request, although
 * many are served one after the other in one callback of the thread's event loop.
 *
 * A scope is an AsyncResource, on every version of Node.js: making one and running a call in it takes 35 to 50 ns, and a
 * later call 8 to 11 ns. A runner of AsyncLocalStorage.snapshot() takes 75 to 85 ns, and isolates only where stores travel in
 * an AsyncContextFrame (Node.js 24 and later).
 */
import { AsyncResource } from 'node:async_hooks';

/** What user code is run in, by `runInAsyncScope`. */
export type AsyncScope = AsyncResource;

/** A scope that begins with the async state of the caller. */
export function newScope(): AsyncScope {
  return new AsyncResource('PacelineHandler');
}

/**
 * Keeps what promise reactions leave behind in the current scope away from the thread's own. Node.js 20 and 22 give the
 * reactions of a promise no scope before the first use of any AsyncLocalStorage: what is set in one then stays in the scope
 * around it.
 */
export function inScopes(drain: () => void): () => void {
  return () => newScope().runInAsyncScope(drain);
}
