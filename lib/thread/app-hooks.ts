/** Finds the hooks of an app and calls its `init`; `close` is called by thread/leaving.ts. The rules are at the top of control/shutdown.ts. */
import type { AppHooks, CloseContext, InitContext } from '../user-code/hooks.js';

/** A hook, bound to the object that has it. */
type Hook<Context> = (context: Context) => unknown;

export interface Hooks {
  /** In the order of the calls. */
  readonly init: readonly Hook<InitContext>[];
  readonly close: readonly Hook<CloseContext>[];
}

type HookName = keyof AppHooks;

/**
 * The hooks of a module and of its app.
 *
 * @param own where the app has hooks of its own; null for an app whose methods of these names are something else, as in a raw TCP app
 * @param app a fetch app or a raw TCP app, whose methods are no hooks of the module, although a CommonJS module exports them by name; null for others
 */
export function hooksOf(module: object, own: object | null, app: unknown): Hooks {
  const named = (name: HookName) => {
    const hook = hookOf(module, name);
    // The module itself may be the app, or export the app's methods.
    return hook === undefined || hook === methodOf(app, name) ? [] : [hook];
  };
  const ofApp = (name: HookName) => {
    const hook = own === null ? undefined : hookOf(own, name);
    return hook === undefined ? [] : [(context: unknown) => hook.call(own, context)];
  };
  return {
    init: [...named('init'), ...ofApp('init')],
    close: [...ofApp('close'), ...named('close')],
  };
}

/** Calls the `init` hooks one after the other. @throws what a hook throws */
export async function initialize(hooks: Hooks, thread: number): Promise<void> {
  for (const hook of hooks.init) await hook({ thread });
}

/** `in` finds no property that a router's proxy makes up. */
function hookOf(object: object, name: HookName): Hook<unknown> | undefined {
  if (!(name in object)) return undefined;
  const value = (object as Record<string, unknown>)[name];
  return typeof value === 'function' ? (value as Hook<unknown>) : undefined;
}

function methodOf(value: unknown, name: HookName): unknown {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject ? hookOf(value, name) : undefined;
}
