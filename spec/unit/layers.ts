/** The house rules of lib/ that the linter enforces: they hold in the tree, and fail on a planted breach. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const BIOME = join(process.cwd(), 'node_modules/.bin/biome');
const MAX_LINES = 420;
/** The one file that needs something outside of lib/: package.json has the version. */
const LOOKS_OUTSIDE = 'lib/version.ts';

interface Breach {
  readonly file: string;
  readonly imports: string;
}

/** One import for each folder that its layer does not allow. */
const BREACHES: readonly Breach[] = [
  { file: 'lib/memory/planted.ts', imports: '../set/handle-table.js' },
  { file: 'lib/sys/planted.ts', imports: '../memory/layout.js' },
  { file: 'lib/set/planted.ts', imports: '../connection/event-handler.js' },
  { file: 'lib/routes/planted.ts', imports: '../set/handle-table.js' },
  { file: 'lib/report/planted.ts', imports: '../errors.js' },
  { file: 'lib/user-code/planted.ts', imports: '../web/context.js' },
  { file: 'lib/connection/planted.ts', imports: '../http/exchange.js' },
  { file: 'lib/proactor/planted.ts', imports: '../strategies/turn.js' },
  { file: 'lib/strategies/planted.ts', imports: '../http/exchange.js' },
  { file: 'lib/web/planted.ts', imports: '../static/root.js' },
  { file: 'lib/static/planted.ts', imports: '../options/server-options.js' },
  { file: 'lib/telemetry/planted.ts', imports: '../http/exchange.js' },
  { file: 'lib/http/planted.ts', imports: '../thread/ticks.js' },
  { file: 'lib/http/parser/planted.ts', imports: '../exchange.js' },
  { file: 'lib/tcp/planted.ts', imports: '../http/exchange.js' },
  { file: 'lib/node/planted.ts', imports: '../thread/ticks.js' },
  { file: 'lib/local/planted.ts', imports: '../control/plane.js' },
  { file: 'lib/demo/planted.ts', imports: '../http/exchange.js' },
  { file: 'lib/thread/planted.ts', imports: '../control/plane.js' },
  { file: 'lib/observe/planted.ts', imports: '../control/plane.js' },
  { file: 'lib/options/planted.ts', imports: '../thread/messages.js' },
  { file: 'lib/control/planted.ts', imports: '../dashboard/server.js' },
  { file: 'lib/dashboard/planted.ts', imports: '../control/plane.js' },
  { file: 'lib/dashboard/page/planted.ts', imports: '../live.js' },
  { file: 'lib/dev/planted.ts', imports: '../control/plane.js' },
  { file: 'lib/compare/planted.ts', imports: '../server.js' },
  { file: 'lib/compare/page/planted.ts', imports: '../comparison.js' },
  { file: 'lib/cli/planted.ts', imports: '../control/plane.js' },
];

const LIB: readonly string[] = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `lib/${file}`);

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

/** What the linter says of `files` (sources by path) under this project's rules: `RULE FILE:LINE`, sorted. */
function lint(files: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-layers-'));
  try {
    copyFileSync('biome.json', join(folder, 'biome.json'));
    for (const [file, source] of Object.entries(files)) {
      mkdirSync(join(folder, folderOf(file)), { recursive: true });
      writeFileSync(join(folder, file), source);
    }
    const options = { cwd: folder, encoding: 'utf8' } as const;
    const { stdout } = spawnSync(
      BIOME,
      ['lint', '--max-diagnostics=none', '--reporter=github', '.'],
      options,
    );
    const report = /^::\w+ title=lint\/\w+\/(\w+),file=([^,]+),line=(\d+)/gm;
    return [...stdout.matchAll(report)].map(([, rule, file, line]) => `${rule} ${file}:${line}`).sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('every folder of lib has a layer, and a breach of it planted here', () => {
  const folders = new Set(LIB.map(folderOf).filter((folder) => folder !== 'lib'));
  assert.equal([...folders].sort(), BREACHES.map(({ file }) => folderOf(file)).sort());
});

test('an import that a layer does not allow is found: of a value, of a type, at run time', () => {
  const source = (imports: string) => `export { planted } from '${imports}';
export type { Planted } from '${imports}';
export const later = await import('${imports}');
export { other } from './other.js';
`;
  const files = Object.fromEntries(BREACHES.map(({ file, imports }) => [file, source(imports)]));
  const expected = BREACHES.flatMap(({ file }) =>
    [1, 2, 3].map((line) => `noRestrictedImports ${file}:${line}`),
  );
  assert.equal(lint(files), expected.sort());
});

test('system calls are made in lib/sys alone', () => {
  const files = Object.fromEntries(BREACHES.map(({ file }) => [file, "export { load } from 'koffi';\n"]));
  const expected = BREACHES.filter(({ file }) => !file.startsWith('lib/sys/'));
  assert.equal(lint(files), expected.map(({ file }) => `noRestrictedImports ${file}:1`).sort());
});

test('a circle of imports is found, of types as well', () => {
  const one = "export type { Two } from './two.js';\n";
  const files = { 'lib/one.ts': one, 'lib/two.ts': 'export type Two = 2;\n' };
  assert.equal(lint(files), []);
  assert.equal(
    lint({
      ...files,
      'lib/two.ts': "import type { Two as One } from './one.js';\n\nexport type Two = One | 2;\n",
    }),
    ['noImportCycles lib/one.ts:1', 'noImportCycles lib/two.ts:1'],
  );
});

test('a URL leads to no other folder: what a file depends on can be seen in its imports', () => {
  const hidden = /new URL\(\s*[`'"]\.\./;
  for (const file of LIB) {
    if (file !== LOOKS_OUTSIDE) assert.not.match(readFileSync(file, 'utf8'), hidden, file);
  }
  assert.match(readFileSync(LOOKS_OUTSIDE, 'utf8'), hidden);
});

test(`no file of lib is longer than ${MAX_LINES} lines`, () => {
  for (const file of LIB) {
    const lines = readFileSync(file, 'utf8').split('\n').length - 1;
    assert.ok(lines <= MAX_LINES, `${file} has ${lines}`);
  }
});

test.run();
