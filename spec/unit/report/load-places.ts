import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorRecord } from '../../../lib/report/error-record.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'paceline-load-places-')));
test.after(() => rmSync(folder, { recursive: true }));

async function placeOf(files: Readonly<Record<string, string>>, main: string): Promise<string | undefined> {
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  const thrown: unknown = await import(pathToFileURL(join(folder, main)).href).then(
    () => assert.unreachable(),
    (error) => error,
  );
  const { location } = errorRecord(thrown, { frame: true });
  if (location === undefined) return undefined;
  return `${location.file.replace(`${folder}/`, '')}:${location.line}:${location.column}`;
}

test('an import of what is not there is found in the importing module', async () => {
  assert.is(
    await placeOf({ 'a.mjs': "import 'node:fs';\nimport x from './nope.js';\n" }, 'a.mjs'),
    'a.mjs:2:15',
  );
  assert.is(await placeOf({ 'b.mjs': "export { x } from 'nope-package/deep';\n" }, 'b.mjs'), 'b.mjs:1:19');
  assert.is(
    await placeOf({ 'c.mjs': "export const x = await import('./nope.js');\n" }, 'c.mjs'),
    'c.mjs:1:31',
  );
  assert.is(
    await placeOf({ 'd.mjs': "import './e.mjs';\n", 'e.mjs': "\nimport '#nope';\n" }, 'd.mjs'),
    'e.mjs:2:8',
  );
  assert.is(await placeOf({ 'f.mjs': "await import('./no' + 'pe.js');" }, 'f.mjs'), undefined);
});

test('a required module that is not there is found by the stack', async () => {
  assert.is(await placeOf({ 'g.cjs': "\nrequire('./nope');\n" }, 'g.cjs'), 'g.cjs:2:1');
});

test('a mistake in JSON is found in the JSON', async () => {
  writeFileSync(join(folder, 'bad.json'), '{\n  "a": 1,\n}\n');
  assert.is(await placeOf({ 'h.cjs': "require('./bad.json');\n" }, 'h.cjs'), 'bad.json:3:1');
  assert.is(
    await placeOf({ 'i.mjs': "import x from './bad.json' with { type: 'json' };\n" }, 'i.mjs'),
    'bad.json:3:1',
  );
});

test('mistakes that Node shows itself are found: in CommonJS, and in a list of imports', async () => {
  assert.is(
    await placeOf({ 'j.cjs': "require('./k.cjs');\n", 'k.cjs': '\nlet = = 5;\n' }, 'j.cjs'),
    'k.cjs:2:7',
  );
  const names = "import {\n  a,\n  b,\n} from './m.mjs';\n";
  assert.is(await placeOf({ 'l.mjs': names, 'm.mjs': 'export const a = 1;\n' }, 'l.mjs'), 'l.mjs:3:3');
});

test('an error whose message only looks like one of these has the place of its stack', () => {
  const error = Object.assign(new Error("no 'x' imported from /dev/zero"), { code: 'ERR_MODULE_NOT_FOUND' });
  const { location } = errorRecord(error, { frame: true });
  assert.match(location!.file, /load-places\.[jt]s$/);
});

test.run();
