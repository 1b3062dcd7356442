/**
 * At the boundary to user code: the async scopes that it runs in. A value that a handler sets with
 * AsyncLocalStorage.enterWith() stays with its own request, although one callback of the thread's event loop serves many
 * requests one after the other.
 *
 * A scope is an AsyncResource, on every version of Node.js: making one and running a call in it takes 35 to 50 ns, and a
 * later call 8 to 11 ns. A runner of AsyncLocalStorage.snapshot() takes 75 to 85 ns, and isolates only where stores travel in
 * an AsyncContextFrame (Node.js 24 and later).
 */
import { AsyncResource } from 'node:async_hooks';

/** A scope; user code runs in it by `runInAsyncScope`. */
export type AsyncScope = AsyncResource;

/** A new scope, which begins with the async state of the caller. */
export function newScope(): AsyncScope {
  return new AsyncResource('PacelineHandler');
}

/**
 * Wraps a function that runs promise reactions so that each call has a scope of its own, and state that the reactions set
 * does not leak into the thread's scope. Node.js 20 and 22 give the reactions of a promise no scope before the first use of
 * any AsyncLocalStorage: a value that is set in one then stays in the scope around it.
 */
export function inScopes(runReactions: () => void): () => void {
  return () => newScope().runInAsyncScope(runReactions);
}
