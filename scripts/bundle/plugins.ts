/** Plugins of esbuild for the bundle of lib/. */
import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import type { Plugin } from 'esbuild';

const load = createRequire(import.meta.url);

const OWN_URL = /new URL\('([^']+)', import\.meta\.url\)/g;

/** A CommonJS module beside its ES module, which imports Node's modules in each thread. */
const KOFFI = 'koffi';

/**
 * Takes Node's modules, and koffi, by `require`. An `import` reads every property of a module of Node, among them those that load
 * others: that of node:http loads undici, http2, tls and crypto.
 */
export function byRequire(): Plugin {
  return {
    name: 'by-require',
    setup({ onResolve, onLoad }) {
      // One copy for each module that imports it: shared copies would be many small files.
      onResolve({ filter: /^(node:|koffi$)/ }, ({ path, namespace, importer }) =>
        namespace === 'required'
          ? { path, external: true }
          : { path, namespace: 'required', suffix: `?${importer}` },
      );
      onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({ contents: moduleOf(path) }));
    },
  };
}

function moduleOf(name: string): string {
  if (name === KOFFI)
    return `import { createRequire } from 'node:module'; export default createRequire(import.meta.url)('${KOFFI}');`;
  if (!isBuiltin(name)) throw new Error(`Node has no module ${name}`);
  const names = Object.keys(load(name)).filter((key) => key !== 'default' && /^\w+$/.test(key));
  // Marked as pure, so that those that nobody imports are left out.
  const exported = names.map((key) => `const of_${key} = /* @__PURE__ */ (() => module.${key})();`);
  const list = names.map((key) => `of_${key} as ${key}`).join(', ');
  // Node.js 20.0 to 20.15 have no process.getBuiltinModule.
  return `import { createRequire } from 'node:module';
const module = /* @__PURE__ */ (() => process.getBuiltinModule?.('${name}') ?? createRequire(import.meta.url)('${name}'))();
export default module;
${exported.join('\n')}
export { ${list} };`;
}

/**
 * `new URL('./x', import.meta.url)` of a module of `lib` keeps its meaning in a file of the bundle one level below its root.
 *
 * @param named gets the paths that are named so, relative to `lib`
 */
export function ownUrls(lib: string, named: Set<string>): Plugin {
  return {
    name: 'own-urls',
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, ({ path, namespace }) => {
        if (namespace !== 'file' || !path.startsWith(lib)) return undefined;
        const module = relative(lib, path);
        const contents = readFileSync(path, 'utf8').replaceAll(OWN_URL, (_, name: string) => {
          named.add(join(dirname(module), name));
          return `new URL('${name}', new URL('../${module}', import.meta.url))`;
        });
        return { contents, loader: 'js' };
      });
    },
  };
}
