/**
 * Bundles the compiled files of dist/lib into dist/bundle, which is what the package runs (`exports` and `bin` of package.json):
 * a step of the build. A thread loads a few files in place of a hundred, and next to none of Node's modules by `import`:
 * docs/decisions/0013-light-threads.md.
 *
 * The files that others name, by `exports` or by a URL, keep their paths. What several of them use is in files of its own, so that
 * an app that imports `paceline/static` shares its classes with the runtime. Specs run the files of dist/lib.
 */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { byRequire, ownUrls } from './bundle/plugins.js';

const LIB = fileURLToPath(new URL('../lib/', import.meta.url));
const BUNDLE = fileURLToPath(new URL('../bundle/', import.meta.url));

/** What programs import, what the command runs, and what is named by a URL. */
const ENTRIES = [
  'index',
  'node-http',
  'static/serve-files',
  'cli/main',
  'cli/compared',
  'compare/load-process',
  'compare/metronome',
  'thread/worker',
  'thread/resolve-hooks',
  'dashboard/load-worker',
  'demo/app',
  'static/directory-app',
];
/** What browsers load, as it is. */
const COPIED = [
  'dashboard/page',
  'dashboard/protocol.js',
  'compare/page',
  'compare/protocol.js',
  'compare/rows.js',
];

const named = new Set<string>();
rmSync(BUNDLE, { recursive: true, force: true });
const { metafile, warnings } = await build({
  entryPoints: ENTRIES.map((name) => `${LIB}${name}.js`),
  outbase: LIB,
  outdir: BUNDLE,
  // One level below, as the modules whose URLs are replaced: see ownUrls().
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  legalComments: 'none',
  metafile: true,
  plugins: [byRequire(), ownUrls(LIB, named)],
});
for (const path of COPIED) {
  cpSync(`${LIB}${path}`, `${BUNDLE}${path}`, {
    recursive: true,
    filter: (file) => !/\.(d\.ts|map)$/.test(file),
  });
}

// What would go wrong only when it runs.
const problems = warnings.map(({ text }) => text);
for (const [output, { imports }] of Object.entries(metafile.outputs)) {
  for (const { path, external } of imports) {
    if (external && (path === 'koffi' || isBuiltin(path)) && path !== 'node:module')
      problems.push(`${relative('.', output)} imports ${path}`);
  }
}
for (const path of named) {
  if (!existsSync(BUNDLE + path)) problems.push(`a URL names ${path}, which is no file of the bundle`);
}
if (problems.length > 0) throw new Error(problems.join('\n'));
