/** Which config file is read, and config files that are modules. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readArguments } from '../../../lib/cli/arguments.js';
import type { Settings } from '../../../lib/cli/command.js';

/** Absent in Node.js 20. */
const runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript);

let directory = '';

test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'paceline-config-'));
});
test.after.each(() => rmSync(directory, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);

async function settings(...line: string[]): Promise<Settings> {
  const command = await readArguments(line, { environment: {}, workingDirectory: directory });
  if (command.action !== 'run') throw new Error(`the action is ${command.action}`);
  return command.settings;
}

async function refused(message: RegExp, ...line: string[]): Promise<void> {
  const error = await settings(...line).catch((reason) => reason);
  assert.is(error.code, 'PACELINE_OPTION');
  assert.match(error.message, message);
}

test('a config file may be a module, in either format', async () => {
  for (const [name, text] of [
    ['paceline.config.mjs', 'export default { port: await 7 }'],
    ['paceline.config.js', 'module.exports = { port: 7 }'],
    ['other.cjs', 'module.exports = { port: 7 }'],
  ] as const) {
    write(name, text);
    assert.is((await settings(...(name === 'other.cjs' ? ['--config', name] : []))).port, 7, name);
    rmSync(join(directory, name));
  }
});

test('a module may have what JSON has not: undefined for nothing, no limit as a number, URLs', async () => {
  mkdirSync(join(directory, 'deep'));
  write(
    'deep/config.mjs',
    "export default { port: undefined, maxBodySize: Infinity, app: new URL('./a.js', import.meta.url) }",
  );
  const { port, maxBodySize, app } = await settings('--config', 'deep/config.mjs');
  assert.equal([port, maxBodySize], [8080, Number.POSITIVE_INFINITY]);
  assert.is(app, pathToFileURL(join(directory, 'deep/a.js')).href);
  write('paths.mjs', "export default { app: './deep/a.js' }");
  assert.is((await settings('--config', 'paths.mjs')).app, join(directory, 'deep/a.js'));
});

(runsTypeScript ? test : test.skip)(
  'a config file in TypeScript runs where Node.js runs TypeScript',
  async () => {
    for (const name of ['paceline.config.ts', 'paceline.config.mts']) {
      write(name, 'const port: number = 7; export default { port }');
      assert.is((await settings()).port, 7);
      rmSync(join(directory, name));
    }
  },
);

(runsTypeScript ? test.skip : test)('elsewhere one line says which version does', async () => {
  write('paceline.config.ts', 'const port: number = 7; export default { port }');
  await refused(
    /^the config file paceline\.config\.ts is TypeScript, which Node\.js \S+ does not run; use Node\.js 22\.18 or later/,
  );
});

test('of two config files neither is read, unless one of them is named', async () => {
  write('paceline.config.json', '{ "port": 7 }');
  write('paceline.config.mjs', 'export default { port: 8 }');
  await refused(
    /^there are two config files, paceline\.config\.json and paceline\.config\.mjs; keep one, or name it with --config$/,
  );
  assert.is((await settings('--config', 'paceline.config.mjs')).port, 8);
});

test('a module that does not load, or exports no settings, is refused in one line', async () => {
  const named = ['--config', 'config.mjs'];
  const cases: [source: string, message: RegExp][] = [
    [
      "throw new Error('of the module')",
      /^the config file config\.mjs did not load: Error: of the module \(\/\S+\/\w+\.mjs:1:7\)$/,
    ],
    [
      'export default { port: = 7 }',
      /^the config file config\.mjs did not load: SyntaxError: Unexpected token '=' \(\/\S+\/\w+\.mjs:1:24\)$/,
    ],
    [
      "import 'nowhere'; export default {}",
      /^the config file config\.mjs did not load: Error \[ERR_MODULE_NOT_FOUND\]: Cannot find package .* \(\/\S+\/\w+\.mjs:1:8\)$/,
    ],
    ['export const port = 7', /^the config file config\.mjs must have an object as its default export, /],
    ['export default () => ({})', /must have an object as its default export/],
    ['export default { prot: 7 }', /^there is no setting in config\.mjs called "prot"; did you mean port\?$/],
    ["export default { port: '7a' }", /^port in config\.mjs must be a whole number/],
  ];
  for (const [index, [source, message]] of cases.entries()) {
    // A module is loaded once.
    const name = `${index}.mjs`;
    write(name, source);
    await refused(new RegExp(message.source.replace('config\\.mjs', name)), '--config', name);
  }
  await refused(/^the config file config\.mjs cannot be read \(ENOENT\)/, ...named);
});

test.run();
