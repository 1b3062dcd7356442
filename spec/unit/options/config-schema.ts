import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readArguments } from '../../../lib/cli/arguments.js';
import { PacelineError } from '../../../lib/errors.js';
import { configSchema } from '../../../lib/options/config-schema.js';

const accepts = new Ajv2020({ strictTypes: true }).compile(configSchema());

let directory = '';

test.before(() => {
  directory = mkdtempSync(join(tmpdir(), 'paceline-schema-'));
});

test.after(() => rmSync(directory, { recursive: true }));

/** Whether the command takes the text as its config file. */
async function commandAccepts(text: string): Promise<boolean> {
  writeFileSync(join(directory, 'paceline.config.json'), text);
  try {
    await readArguments([], { environment: {}, workingDirectory: directory });
    return true;
  } catch (error) {
    if (error instanceof PacelineError && error.code === 'PACELINE_OPTION') return false;
    throw error;
  }
}

const NUMBERS: readonly [key: string, min: number, max: number][] = [
  ['port', 0, 65_535],
  ['maxConnections', 1, 1_048_576],
  ['maxHeaderSize', 256, 65_535],
  ['maxBodySize', 0, Number.MAX_SAFE_INTEGER],
  ['maxRequestsPerSocket', 0, 2 ** 31 - 1],
  ['headersTimeout', 0, 86_400_000],
  ['requestTimeout', 0, 86_400_000],
  ['keepAliveTimeout', 0, 86_400_000],
  ['sendTimeout', 0, 86_400_000],
  ['drainTimeout', 0, 86_400_000],
];

const OTHERS: readonly [key: string, right: readonly unknown[], wrong: readonly unknown[]][] = [
  ['$schema', ['./schema.json', ''], []],
  ['app', ['./app.js', 'file:///app.js', '.'], ['', 1, null, {}, ['app.js']]],
  [
    'port',
    ['0', '8080', '08080', '65535', '59999'],
    ['', '65536', '99999', '000080', '-1', '80 ', '0x1', '1e3'],
  ],
  ['host', ['::', 'localhost'], ['', 1, null, true]],
  [
    'threads',
    [1, 128, '1', '128', '007', '10', '2:8', '3:3', '001:128', { min: 1, max: 128 }],
    [0, 129, 1.5, '', '0', '000', '129', '1:', ':1', '1:129', '1:2:3', ' 1', '1000', null, true, [1, 2]],
  ],
  [
    'threads',
    [],
    [{ min: 1 }, { max: 1 }, { min: '1', max: 2 }, { min: 1, max: 2, most: 3 }, { min: 0, max: 1 }],
  ],
  ['strategy', ['leader-followers', 'reactor'], ['proactor', 'Leader-Followers', '', 1, null]],
  ['maxBodySize', ['unlimited'], ['Unlimited', 'Infinity', '1024', '1mb', '']],
  [
    'dashboard',
    ['off', 'localhost:0', '127.0.0.1:65535', '[::1]:9080', '[::FFFF:1.2.3.4]:1', 'bücher.example:1', '😀:1'],
    [
      'on',
      '',
      ':1',
      'a:',
      'a:b',
      'a:65536',
      '::1:1',
      'a b:1',
      'a/b:1',
      '[]:1',
      'a:1\n',
      9080,
      false,
      { port: 1 },
    ],
  ],
  [
    'listen',
    [
      '3000',
      'localhost:3000',
      '[::1]:0',
      'unix:/run/a.sock',
      'unix:a',
      'fd:3',
      ['fd:3'],
      ['80', 'unix:/a,b'],
      new Array(16).fill('1'),
    ],
    [
      '',
      ':1',
      'a:',
      '::1:1',
      'unix:',
      'fd:',
      'fd:-1',
      'fd:x',
      '65536',
      80,
      null,
      {},
      [],
      ['80', ''],
      [80],
      '1,2',
    ],
  ],
  ['listen', [], [new Array(17).fill('1'), [['80']], true]],
  ['readyWhenDegraded', [true, false], ['true', 'yes', 1, 0, null, '']],
  ['accessLog', ['off', 'common', 'combined', 'json'], ['on', '', 'JSON', true, false, null]],
  ['accessLogSample', [0, 1, 0.5, 1e-9], [-0.1, 1.1, '0.5', true, null, '']],
  ['dashboardTokenFile', ['token.txt'], ['', 1, null]],
  ['dashboardShowQueries', [true, false], ['true', 1, 0, null, '']],
  ['dashboardToken', [], ['0123456789abcdef']],
  ['logLevel', ['silent', 'error', 'warn', 'info', 'debug'], ['loud', 'INFO', '', 1, null]],
  ['logFormat', ['pretty', 'json'], ['yaml', '', null]],
  ['log-level', ['warn'], ['loud', null]],
  ['log-format', ['json'], ['yaml']],
  ['prot', [], [1]],
  ['config', [], ['other.json']],
  ['keep-alive-timeout', [], [1]],
  ['toString', [], [1]],
];

const WHOLE_FILES: readonly [text: string, right: boolean][] = [
  ['{}', true],
  ['{ "logLevel": "warn", "log-format": "json" }', true],
  ['{ "logLevel": "warn", "log-level": "warn" }', false],
  ['{ "logFormat": "json", "log-format": "json" }', false],
  ['{ "__proto__": 1 }', false],
  ['{ "port": 3e3, "headersTimeout": 5.0 }', true],
  ['[]', false],
  ['null', false],
  ['3', false],
  ['"port"', false],
];

function* cases(): Generator<readonly [text: string, right: boolean]> {
  yield* WHOLE_FILES;
  const text = (key: string, value: unknown) => JSON.stringify({ [key]: value });
  for (const [key, min, max] of NUMBERS) {
    for (const value of [min, max]) yield [text(key, value), true];
    for (const value of [min - 1, max + 1, min + 0.5, null, true, 'many', [min]])
      yield [text(key, value), false];
  }
  for (const [key, right, wrong] of OTHERS) {
    for (const value of right) yield [text(key, value), true];
    for (const value of wrong) yield [text(key, value), false];
  }
}

test('the schema accepts and refuses what the command does', async () => {
  for (const [text, right] of cases()) {
    assert.is(await commandAccepts(text), right, `the command: ${text}`);
    assert.is(accepts(JSON.parse(text)), right, `the schema: ${text}`);
  }
});

test('both accept the example of the docs', async () => {
  const [, example] = /```json\n(.*?)```/s.exec(readFileSync('docs/options.md', 'utf8'))!;
  assert.ok(await commandAccepts(example!));
  assert.ok(accepts(JSON.parse(example!)));
});

test('the schema describes every setting, with its default', () => {
  const { properties } = configSchema() as {
    properties: Record<string, { description: string; default?: unknown }>;
  };
  for (const [key, { description }] of Object.entries(properties))
    assert.match(description, /^[A-Z].*\.$/, key);
  assert.is(properties.keepAliveTimeout!.default, 5000);
  assert.match(
    properties.threads!.description,
    /Default: the larger of 4 and 1\.5 times the cores available\.$/,
  );
});

test('the package exports the schema', () => {
  const path = createRequire(import.meta.url).resolve('paceline/config.schema.json');
  assert.equal(JSON.parse(readFileSync(path, 'utf8')), configSchema());
});

test.run();
