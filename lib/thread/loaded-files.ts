/**
 * Tells the supervisor of `paceline dev` which files a thread is about to load: modules of both kinds, in packages of others excepted. Of a
 * module that does not exist it tells the places where it would be, as it may be written next.
 *
 * Node.js calls hooks when it resolves a module: in the thread since version 22.15 (module.registerHooks); before, those of ES modules in a
 * thread of their own (module.register), and none for CommonJS.
 */
import { writeSync } from 'node:fs';
import Module, * as module from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileVersion } from './file-version.js';

/** The descriptor to write to; the supervisor has the other end. */
export const REPORTS_FD = 3;

/** A file, and the version of it that is loaded: one that is no more is a change. */
export type LoadedFile = readonly [path: string, version: string];

interface Resolved {
  readonly url: string;
}
type Context = { readonly parentURL?: string | undefined };
type Resolve = (specifier: string, context: Context, next: Next) => Resolved;
type Next = (specifier: string, context: Context) => Resolved;

/** Not in the types of Node.js 20. */
const { registerHooks } = module as unknown as {
  registerHooks?(hooks: { resolve: Resolve }): void;
};

type ResolveFilename = (this: unknown, request: string, parent: Parent, ...rest: unknown[]) => string;
type Parent = { readonly filename?: string | null } | null | undefined;
/** Not documented, but part of every supported release, and replaced by many programs. */
const loader = Module as unknown as { _resolveFilename: ResolveFilename };

/** What a module may be called that is required without its extension. */
const ENDINGS = ['', '.js', '.json', '.cjs', '/index.js'];

const PACKAGES = '/node_modules/';
const RUNTIME = folderOfRuntime(fileURLToPath(import.meta.url));
const reported = new Set<string>();

/** From now on what the calling thread loads is reported. */
export function reportLoadedFiles(): void {
  if (registerHooks !== undefined) {
    registerHooks({ resolve: resolveAndReport });
    return;
  }
  module.register(new URL('./resolve-hooks.js', import.meta.url));
  const original = loader._resolveFilename;
  loader._resolveFilename = function (request, parent, ...rest) {
    try {
      const path = original.call(this, request, parent, ...rest);
      reportFile(path);
      return path;
    } catch (error) {
      reportMissing(request, parent?.filename);
      throw error;
    }
  };
}

const resolveAndReport: Resolve = (specifier, context, next) => {
  try {
    const resolved = next(specifier, context);
    reportUrl(resolved.url);
    return resolved;
  } catch (error) {
    reportMissing(specifier, pathOf(context.parentURL));
    throw error;
  }
};

export function reportUrl(url: string): void {
  const path = pathOf(url);
  if (path !== undefined) reportFile(path);
}

/** @param parent the module that names it */
export function reportMissing(specifier: string, parent: string | null | undefined): void {
  if (!parent || !/^(\.{0,2}\/|file:)/.test(specifier)) return;
  const base = resolve(dirname(parent), pathOf(specifier) ?? specifier);
  for (const ending of ENDINGS) reportFile(`${base}${ending}`);
}

function reportFile(path: string): void {
  if (!path.startsWith('/') || path.includes(PACKAGES) || path.startsWith(RUNTIME) || reported.has(path))
    return;
  reported.add(path);
  const file: LoadedFile = [path, fileVersion(path)];
  try {
    // Before it is loaded, as the thread may end then. A line is short enough to be written at once.
    writeSync(REPORTS_FD, `${JSON.stringify(file)}\n`);
  } catch {
    // The supervisor has ended.
  }
}

function pathOf(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(url.replace(/[?#].*$/, ''));
  } catch {
    return undefined;
  }
}

/** The folder of everything compiled, from whichever of its files this runs. */
function folderOfRuntime(path: string): string {
  const index = path.lastIndexOf('/dist/');
  return index < 0 ? path : path.slice(0, index + '/dist/'.length);
}
