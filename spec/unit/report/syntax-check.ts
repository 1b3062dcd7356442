import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findSyntaxError } from '../../../lib/report/syntax-check.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'paceline-syntax-')));
test.after(() => rmSync(folder, { recursive: true }));

const MESSAGE = "Unexpected token '='";

async function find(files: Readonly<Record<string, string>>, message = MESSAGE): Promise<string | null> {
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  const main = Object.keys(files)[0]!;
  const place = await findSyntaxError(pathToFileURL(join(folder, main)).href, message);
  return place && `${place.file.replace(`${folder}/`, '')}:${place.line}:${place.column}`;
}

test('the module that does not compile is found, however it is imported', async () => {
  const files = {
    'main.mjs': "import './one.mjs';\nexport * from './main.mjs';\n",
    'one.mjs': "const lazy = () => import('./two.mjs');\n",
    'two.mjs': "import '#three';\n",
    'package.json': '{ "imports": { "#three": "./three.mjs" } }',
    'three.mjs': 'export const three = 3;\n\nconst = 5;\n',
  };
  assert.is(await find(files), 'three.mjs:3:7');
});

test('a module that ends too early is found, with or without a line break at its end', async () => {
  const message = 'Unexpected end of input';
  const main = { 'main.mjs': "import './part.mjs';\n" };
  assert.is(await find({ ...main, 'part.mjs': 'export const a = {\n  b: 1,\n' }, message), 'part.mjs:3:1');
  assert.is(await find({ ...main, 'part.mjs': 'export const a =' }, message), 'part.mjs:1:17');
});

test('a module that is no ES module, and packages, are passed by', async () => {
  mkdirSync(join(folder, 'node_modules/bad'), { recursive: true });
  writeFileSync(join(folder, 'node_modules/bad/index.js'), 'const = 5;');
  const files = {
    'first.mjs': "import './sloppy.js';\nimport 'bad';\nimport './broken.mjs';\n",
    'sloppy.js': 'with ({}) { x = 010; }\n',
    'broken.mjs': 'const = 5;\n',
  };
  assert.is(await find(files), 'broken.mjs:1:7');
});

test('where none does not compile with the message, there is no place', async () => {
  assert.is(await find({ 'other.mjs': 'const a = = 5;\n' }, 'Unexpected identifier'), null);
  assert.is(await find({ 'well.mjs': 'export default 1;\n' }), null);
  assert.is(await findSyntaxError('data:text/javascript,const = 5', MESSAGE), null);
  assert.is(await findSyntaxError(pathToFileURL(join(folder, 'absent.mjs')).href, MESSAGE), null);
});

test('nothing of what is checked is run', async () => {
  const mark = join(folder, 'mark');
  const files = {
    'runs.mjs': `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(mark)}, '');\nimport './bad.mjs';\n`,
    'bad.mjs': 'const = 5;\n',
  };
  assert.is(await find(files), 'bad.mjs:1:7');
  assert.throws(() => realpathSync(mark), /ENOENT/);
});

test.run();
