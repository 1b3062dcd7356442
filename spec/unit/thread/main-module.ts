/** Which files are loaded as the main module, and which by import(). */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { importMain } from '../../../lib/thread/main-module.js';

let root = '';

test.before(() => {
  root = mkdtempSync(join(tmpdir(), 'paceline-main-module-'));
});
test.after(() => rmSync(root, { recursive: true }));

function write(name: string, source: string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, source);
  return path;
}

const load = (path: string): Promise<Record<string, unknown>> => importMain(pathToFileURL(path).href);

const MAIN = 'module.exports = require.main === module && module.parent === null;';

test('CommonJS is loaded as the main module', async () => {
  write('scope/package.json', '{ "type": "commonjs" }');
  write('module/package.json', '{ "type": "module" }');
  // Node looks no further than here.
  write('module/node_modules/nothing.txt', '');
  for (const name of [
    'a.cjs',
    'a.js',
    'scope/a.js',
    'scope/deep/a.js',
    'module/a.cjs',
    'module/node_modules/a.js',
    'bin',
  ]) {
    const { default: isMain } = await load(write(name, `#!/usr/bin/env node\n${MAIN}`));
    assert.is(isMain, true, name);
  }
});

test('the package of a linked file is that of its target', async () => {
  write('linked/package.json', '{ "type": "module" }');
  const link = join(root, 'linked/link.js');
  symlinkSync(write('target.js', MAIN), link);
  assert.is((await load(link)).default, true);
});

test('it is run once, and its names are there as import() has them', async () => {
  const source =
    'globalThis.runs = (globalThis.runs ?? 0) + 1; exports.fetch = () => {}; exports.routes = 1;';
  const namespace = await load(write('names.cjs', source));
  assert.is(typeof namespace.fetch, 'function');
  assert.is(namespace.routes, 1);
  assert.is((globalThis as { runs?: number }).runs, 1);
});

test('ES modules are imported, whatever their name says', async () => {
  write('esm/package.json', '{ "type": "module" }');
  for (const [name, source] of [
    ['a.mjs', 'export default typeof require;'],
    ['esm/a.js', 'export default typeof require;'],
    ['syntax.js', 'import "node:fs"; export default typeof require;'],
    ['meta.js', 'const { url } = import.meta; export default url && typeof require;'],
    ['await.js', 'export default await Promise.resolve(typeof require);'],
    ['names.js', 'const require = undefined; export default typeof require;'],
  ] as const) {
    assert.is((await load(write(name, source))).default, 'undefined', name);
  }
});

test('a URL that is more than a path is imported as it is', async () => {
  const url = pathToFileURL(write('query.mjs', 'export default import.meta.url;'));
  url.searchParams.set('root', '/x');
  assert.is((await importMain(url.href)).default, url.href);
  assert.is((await importMain('data:text/javascript,export default 1')).default, 1);
});

for (const [what, name, source, error] of [
  ['what the module throws', 'throws.cjs', 'throw new RangeError("mine");', /^RangeError: mine$/],
  ['a mistake in its syntax', 'mistake.cjs', 'const ( = 1;', /^SyntaxError: Unexpected token '\('$/],
  [
    'a module that it misses',
    'misses.js',
    'require("./none.js");',
    /^Error: Cannot find module '.\/none.js'/,
  ],
] as const) {
  test(`${what} is thrown`, () => throws(write(name, source), error));
}

test('a file that is not there is the error of import()', () =>
  throws(join(root, 'none.js'), /ERR_MODULE_NOT_FOUND.+none\.js/));

test('a package.json that is malformed is the error of import()', () => {
  write('malformed/package.json', '{');
  return throws(write('malformed/a.js', MAIN), /Invalid package config .+package\.json/);
});

async function throws(path: string, expected: RegExp): Promise<void> {
  await load(path).then(
    () => assert.unreachable(`${path} is loaded`),
    (error) => assert.match(String(error), expected),
  );
}

test.run();
