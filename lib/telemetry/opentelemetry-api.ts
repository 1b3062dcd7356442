/**
 * OpenTelemetry's API package, as far as it is used here. It is the app's, in whatever version it has: each version finds what was set up
 * through another one under a global symbol.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

export type Attributes = Record<string, string | number>;
/** Opaque. */
export type Context = object;

export interface Span {
  spanContext(): { readonly traceId: string };
  setAttribute(name: string, value: string | number): void;
  setStatus(status: { readonly code: number }): void;
  recordException(error: Error | string): void;
  end(): void;
}

export interface Tracer {
  startSpan(
    name: string,
    options: { readonly kind: number; readonly attributes: Attributes },
    parent: Context,
  ): Span;
}

export interface OpenTelemetryApi {
  readonly ROOT_CONTEXT: Context;
  readonly trace: {
    getTracer(name: string): Tracer;
    setSpan(context: Context, span: Span): Context;
  };
  readonly context: { with<T>(context: Context, call: () => T): T };
  readonly propagation: {
    extract<C>(
      context: Context,
      carrier: C,
      getter: { keys(carrier: C): string[]; get(carrier: C, name: string): string | undefined },
    ): Context;
  };
}

const PACKAGE = '@opentelemetry/api';
const GLOBAL = Symbol.for('opentelemetry.js.api.1');
/** Where the package is when it was loaded from elsewhere, by a preloaded module for instance. */
const LOADED = /[\\/]@opentelemetry[\\/]api[\\/]build[\\/]src[\\/]index\.js$/;

/** Whether an SDK has registered itself in this thread, for traces. */
export function isSetUp(): boolean {
  const registered = (globalThis as Record<symbol, unknown>)[GLOBAL] as { trace?: unknown } | undefined;
  return registered?.trace !== undefined;
}

/**
 * The package as the app finds it, or else as something that the app has loaded has found it.
 *
 * @param app the URL of the app module
 * @throws Error when there is none
 */
export function loadApi(app: string): OpenTelemetryApi {
  const require = createRequire(app.startsWith('file:') ? app : join(process.cwd(), 'app.js'));
  try {
    return require(PACKAGE) as OpenTelemetryApi;
  } catch (error) {
    const loaded = Object.keys(require.cache).find((file) => LOADED.test(file));
    if (loaded === undefined) throw error;
    return require(loaded) as OpenTelemetryApi;
  }
}
