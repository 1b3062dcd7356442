/**
 * Loads an app of CommonJS as the main module, as `node file` does: `require.main === module` holds in it. Process managers load it by the
 * same call; `import()` alone leaves `require.main` undefined.
 */
import { readFileSync, realpathSync } from 'node:fs';
import Module from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';

/** Not documented, but part of every supported release. */
const { _load: loadModule } = Module as unknown as {
  _load(path: string, parent: null, isMain: boolean): unknown;
};

/** Those that Node may take for CommonJS; '' is none. */
const EXTENSIONS: readonly string[] = ['.cjs', '.js', ''];
/** Of the function that Node makes of a CommonJS module. */
const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];

/** The namespace of a module. @throws what the module throws, or Node when it cannot load it */
export async function importMain(url: string): Promise<Record<string, unknown>> {
  const path = pathOf(url);
  if (path !== null && isCommonJs(path)) loadModule(path, null, true);
  // A CommonJS module is not run again.
  return await import(url);
}

/** Null for a URL that is more than a path. */
function pathOf(url: string): string | null {
  const { protocol, search, hash } = new URL(url);
  return protocol === 'file:' && search === '' && hash === '' ? fileURLToPath(url) : null;
}

/**
 * Whether Node takes a file for CommonJS. One whose package does not say is compiled, as Node does: loaded as CommonJS, an ES module would
 * be run by the time that its errors are known. What cannot be read or compiled is left to import(), which says what is wrong.
 */
function isCommonJs(path: string): boolean {
  const extension = extname(path);
  if (!EXTENSIONS.includes(extension)) return false;
  try {
    if (extension !== '.cjs' && packageType(realpathSync(path)) === 'module') return false;
    compileFunction(readFileSync(path, 'utf8'), PARAMETERS);
    return true;
  } catch {
    return false;
  }
}

/** The `type` of the nearest package.json (Node's documentation, "Determining module system"). */
function packageType(path: string): unknown {
  const folder = dirname(path);
  if (folder === path || basename(folder) === 'node_modules') return undefined;
  const text = readIfThere(join(folder, 'package.json'));
  return text === null ? packageType(folder) : (JSON.parse(text) as { type?: unknown }).type;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
