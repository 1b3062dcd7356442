/** Apps that do not load: the command says where in the app, and which module. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Run } from '../../support/cli/run.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'paceline-load-errors-')));
test.after(() => rmSync(folder, { recursive: true }));

/** What the command prints on standard error for an app that does not load, without the name of the folder. */
async function failure(files: Readonly<Record<string, string>>, ...line: string[]): Promise<string> {
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  const run = new Run(join(folder, Object.keys(files)[0]!), '--port', '0', '--threads', '2', ...line);
  assert.equal(await run.ended, [1, null], run.stderr);
  assert.is(run.stdout, '');
  return run.stderr.replaceAll(`${folder}/`, '');
}

const PRETTY = ['--log-format', 'pretty'];

test('what an app throws while it loads is shown with its source and its own stack', async () => {
  const source = "\nconnect();\n\nfunction connect() {\n  throw new TypeError('no database');\n}\n";
  assert.is(
    await failure({ 'throws.mjs': source }, ...PRETTY),
    `paceline: the app throws.mjs did not load: TypeError: no database (throws.mjs:5:9)

  3 |
  4 | function connect() {
> 5 |   throw new TypeError('no database');
    |         ^
  6 | }
  7 |

    at connect (throws.mjs:5:9)
    at throws.mjs:2:1
`,
  );
});

test('a syntax error in an imported module names that module', async () => {
  const files = { 'imports.mjs': "import './broken.mjs';\n", 'broken.mjs': 'const = 5;\n' };
  assert.is(
    await failure(files, ...PRETTY),
    `paceline: the app imports.mjs did not load: SyntaxError: Unexpected token '=' (broken.mjs:1:7)

> 1 | const = 5;
    |       ^
  2 |

`,
  );
});

test('a missing import names the importing file and the line', async () => {
  const text = await failure({ 'lacks.mjs': "\nimport './absent.js';\n" }, ...PRETTY);
  assert.match(text, /^paceline: the app lacks\.mjs did not load: .*absent\.js.* \(lacks\.mjs:2:8\)\n/);
  assert.match(text, /^> 2 \| import '\.\/absent\.js';$/m);
});

test('in JSON the same is an entry of the log, before the line', async () => {
  const text = await failure({ 'json.cjs': "\nthrow new Error('no');" }, '--log-format', 'json');
  const [entry, line, ...rest] = text.split('\n');
  const { level, error, msg } = JSON.parse(entry!);
  assert.is(line, `paceline: ${msg}`);
  assert.equal(rest, ['']);
  assert.equal(
    [level, error.name, error.message, error.stack],
    ['error', 'Error', 'no', '    at Object.<anonymous> (json.cjs:2:7)'],
  );
  assert.equal(error.location, { file: 'json.cjs', line: 2, column: 7 });
});

test('a log that is silent leaves one line', async () => {
  const silent = [...PRETTY, '--log-level', 'silent'];
  assert.match(await failure({ 'silent.mjs': "throw new Error('no');" }, ...silent), /^paceline: [^\n]*\n$/);
});

test('TypeScript that this Node does not run is named as such', async () => {
  if ((process.features as { typescript?: unknown }).typescript) return;
  const text = await failure({ 'typed.ts': 'export default {};' }, ...PRETTY);
  assert.match(text, /^paceline: the app typed\.ts did not load: .*TypeScript needs Node\.js 22\.18/);
});

test('where an ES module is taken for CommonJS, or CommonJS for an ES module, the line says what to write', async () => {
  const type = (name: string) => ({ 'package.json': `{ "type": "${name}" }` });
  const inScript = await failure({ 'esm.js': "import 'node:fs';", ...type('commonjs') }, ...PRETTY);
  assert.match(
    inScript,
    /^paceline: the app esm\.js did not load: .* \(esm\.js:1:1\); for an ES module, write "type": "module" in package\.json/m,
  );
  const inModule = await failure({ 'cjs.js': "require('node:fs');", ...type('module') }, ...PRETTY);
  assert.match(
    inModule,
    /scope, you can use import instead \(cjs\.js:1:1\)\n[\s\S]*rename it to use the '\.cjs'/,
  );
});

test.run();
