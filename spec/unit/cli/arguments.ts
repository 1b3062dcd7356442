import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readArguments } from '../../../lib/cli/arguments.js';
import type { Settings } from '../../../lib/cli/command.js';
import { PacelineError } from '../../../lib/errors.js';

let directory = '';

test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'paceline-arguments-'));
});

test.after.each(() => rmSync(directory, { recursive: true }));

function settings(line: string[], environment: Record<string, string> = {}): Settings {
  const command = readArguments(line, { environment, workingDirectory: directory });
  if (command.action !== 'run') throw new Error(`the action is ${command.action}`);
  return command.settings;
}

function config(values: unknown, name = 'paceline.config.json'): void {
  writeFileSync(join(directory, name), typeof values === 'string' ? values : JSON.stringify(values));
}

function refused(line: string[], message: RegExp, environment: Record<string, string> = {}): void {
  assert.throws(
    () => settings(line, environment),
    (error: unknown) =>
      error instanceof PacelineError && error.code === 'PACELINE_OPTION' && message.test(error.message),
    `${line.join(' ')} should be refused with ${message}`,
  );
}

test('without arguments, the defaults of the contract count', () => {
  assert.equal(settings([]), {
    app: undefined,
    port: 8080,
    host: '127.0.0.1',
    threads: undefined,
    strategy: 'leader-followers',
    maxConnections: 16_384,
    maxHeaderSize: 16_384,
    maxBodySize: 16_777_216,
    maxRequestsPerSocket: 0,
    headersTimeout: 60_000,
    requestTimeout: 300_000,
    keepAliveTimeout: 5000,
    sendTimeout: 60_000,
    dashboard: undefined,
    logLevel: 'info',
    logFormat: undefined,
  });
});

/** Each option with a name of its own on the command line, in the environment and in the config file, and one value. */
const EVERY_OPTION: readonly [flag: string, variable: string, key: string, text: string, inFile: unknown][] =
  [
    ['--port', 'PORT', 'port', '1', 1],
    ['--host', 'HOST', 'host', '::1', '::1'],
    ['--threads', 'PACELINE_THREADS', 'threads', '2:3', '2:3'],
    ['--strategy', 'PACELINE_STRATEGY', 'strategy', 'leader-followers', 'leader-followers'],
    ['--max-connections', 'PACELINE_MAX_CONNECTIONS', 'maxConnections', '10', 10],
    ['--max-header-size', 'PACELINE_MAX_HEADER_SIZE', 'maxHeaderSize', '1000', 1000],
    ['--max-body-size', 'PACELINE_MAX_BODY_SIZE', 'maxBodySize', 'unlimited', 'unlimited'],
    ['--max-requests-per-socket', 'PACELINE_MAX_REQUESTS_PER_SOCKET', 'maxRequestsPerSocket', '7', 7],
    ['--headers-timeout', 'PACELINE_HEADERS_TIMEOUT', 'headersTimeout', '11', 11],
    ['--request-timeout', 'PACELINE_REQUEST_TIMEOUT', 'requestTimeout', '12', 12],
    ['--keep-alive-timeout', 'PACELINE_KEEP_ALIVE_TIMEOUT', 'keepAliveTimeout', '13', 13],
    ['--send-timeout', 'PACELINE_SEND_TIMEOUT', 'sendTimeout', '0', 0],
    ['--dashboard', 'PACELINE_DASHBOARD', 'dashboard', '[::1]:9', '[::1]:9'],
    ['--log-level', 'PACELINE_LOG_LEVEL', 'logLevel', 'debug', 'debug'],
    ['--log-format', 'PACELINE_LOG_FORMAT', 'logFormat', 'json', 'json'],
  ];

test('every option is read from the command line, the environment and the config file', () => {
  const expected = {
    app: join(directory, 'app.js'),
    port: 1,
    host: '::1',
    threads: { min: 2, max: 3 },
    strategy: 'leader-followers',
    maxConnections: 10,
    maxHeaderSize: 1000,
    maxBodySize: Number.POSITIVE_INFINITY,
    maxRequestsPerSocket: 7,
    headersTimeout: 11,
    requestTimeout: 12,
    keepAliveTimeout: 13,
    sendTimeout: 0,
    dashboard: { host: '::1', port: 9 },
    logLevel: 'debug',
    logFormat: 'json',
  };
  const line = EVERY_OPTION.flatMap(([flag, , , text]) => [flag, text]);
  assert.equal(settings([...line, 'app.js']), expected);
  const variables = EVERY_OPTION.map(([, variable, , text]) => [variable, text]);
  assert.equal(settings([], { ...Object.fromEntries(variables), PACELINE_APP: 'app.js' }), expected);
  const values = EVERY_OPTION.map(([, , key, , inFile]) => [key, inFile]);
  config({ ...Object.fromEntries(values), app: 'app.js' });
  assert.equal(settings([]), expected);
});

test('the short forms of the contract are read', () => {
  const { port, host, threads } = settings(['-p', '81', '-Hlocalhost', '-t3']);
  assert.equal([port, host, threads], [81, 'localhost', { min: 3, max: 3 }]);
});

test('an option goes before the environment, that before the config file, that before the default', () => {
  assert.is(settings([]).port, 8080);
  config({ port: 1, host: 'file' });
  assert.is(settings([]).port, 1);
  assert.is(settings([], { PORT: '2', HOST: 'variable' }).port, 2);
  assert.is(settings([], { PORT: '2', HOST: 'variable' }).host, 'variable');
  assert.is(settings(['--port', '3'], { PORT: '2' }).port, 3);
  assert.is(settings(['--port', '3'], { PORT: '2' }).host, 'file');
});

test('only the value that decides is checked', () => {
  assert.is(settings(['--port', '3'], { PORT: 'junk' }).port, 3);
  config({ keepAliveTimeout: 'junk', maxBodySize: -1 });
  const { keepAliveTimeout, maxBodySize } = settings(['--keep-alive-timeout', '1'], {
    PACELINE_KEEP_ALIVE_TIMEOUT: 'junk',
    PACELINE_MAX_BODY_SIZE: '2',
  });
  assert.equal([keepAliveTimeout, maxBodySize], [1, 2]);
});

test('a value that decides is refused by the name that it has where it was found', () => {
  const bounds = 'must be a whole number from 0 to 86400000, not';
  refused(['--send-timeout', '1s'], new RegExp(`^--send-timeout ${bounds} "1s"$`));
  refused(['--send-timeout=-1'], new RegExp(`^--send-timeout ${bounds} "-1"$`));
  refused([], new RegExp(`^PACELINE_SEND_TIMEOUT ${bounds} 86400001$`), {
    PACELINE_SEND_TIMEOUT: '86400001',
  });
  config({ sendTimeout: 1.5 });
  refused([], new RegExp(`^sendTimeout in paceline.config.json ${bounds} 1.5$`));
  config({ sendTimeout: '60000' });
  refused([], new RegExp(`^sendTimeout in paceline.config.json ${bounds} "60000"$`));
  config({});
  for (const junk of ['', '1mb', 'Infinity', '1e6', '9007199254740992', '99999999999999999999']) {
    refused(
      [`--max-body-size=${junk}`],
      /^--max-body-size must be a whole number from 0 to 9007199254740991, or unlimited, not "/,
    );
  }
  refused(['--max-connections', '0'], /^--max-connections must be a whole number from 1 to 1048576, not 0$/);
  refused([], /^PACELINE_THREADS must be a whole number from 1 to 128/, { PACELINE_THREADS: 'many' });
  refused([], /^PACELINE_LOG_LEVEL must be one of: silent/, { PACELINE_LOG_LEVEL: 'loud' });
});

test('an empty variable counts as not set', () => {
  config({ port: 1 });
  assert.is(settings([], { PORT: '' }).port, 1);
});

test('a config file has the names of the options, and app', () => {
  config({
    app: 'a.js',
    threads: { min: 1, max: 2 },
    dashboard: 'off',
    logLevel: 'warn',
    logFormat: 'json',
  });
  const { app, threads, dashboard, logLevel, logFormat } = settings([]);
  assert.is(app, join(directory, 'a.js'));
  assert.equal(threads, { min: 1, max: 2 });
  assert.equal([dashboard, logLevel, logFormat], ['off', 'warn', 'json']);
});

test('the keys that a config file had for the log before are read, but not beside the new ones', () => {
  config({ 'log-level': 'warn', 'log-format': 'json' });
  const { logLevel, logFormat } = settings([]);
  assert.equal([logLevel, logFormat], ['warn', 'json']);
  config({ 'log-level': 'loud' });
  refused([], /^log-level in paceline.config.json must be one of: silent/);
  config({ 'log-level': 'warn', logLevel: 'warn' });
  refused([], /^log-level in paceline.config.json is the former name of logLevel, .*; leave out log-level$/);
});

test('a config file may name its schema', () => {
  config({ $schema: './node_modules/paceline/dist/lib/config.schema.json', port: 7 });
  assert.is(settings([]).port, 7);
});

test('--config names another config file, and the usual one is left alone', () => {
  config('no JSON at all');
  config({ port: 7 }, 'other.json');
  config({ port: 8 }, 'third.json');
  assert.is(settings(['--config', 'other.json']).port, 7);
  assert.is(settings([], { PACELINE_CONFIG: 'third.json' }).port, 8);
  assert.is(settings(['--config', 'other.json'], { PACELINE_CONFIG: 'absent.json' }).port, 7);
});

test('an app in a config file is relative to that file, one on the line to the working directory', () => {
  config({ app: './a.js' }, 'deep.json');
  const elsewhere = { environment: {}, workingDirectory: tmpdir() };
  const fromFile = readArguments(['--config', join(directory, 'deep.json')], elsewhere);
  assert.is(fromFile.action === 'run' && fromFile.settings.app, join(directory, 'a.js'));
  const fromLine = readArguments(['--config', join(directory, 'deep.json'), 'b.js'], elsewhere);
  assert.is(fromLine.action === 'run' && fromLine.settings.app, join(tmpdir(), 'b.js'));
});

test('an app may be a URL, and one that begins with a dash comes after --', () => {
  assert.is(settings(['file:///a/b.js']).app, 'file:///a/b.js');
  assert.is(settings(['--', '-a.js']).app, join(directory, '-a.js'));
});

test('wrong use of the line is refused in one sentence', () => {
  refused(['--bogus'], /^there is no option "--bogus"; valid: paceline --help lists them$/);
  refused(['--prot', '3'], /did you mean --port\?$/);
  refused(['-x'], /^there is no option "-x"/);
  refused(['--port'], /^--port needs a value/);
  refused(['--port', '--host', 'x'], /^--port needs a value/);
  refused(['--help=yes'], /^--help takes no value/);
  refused(['a.js', 'b.js'], /^there can be one APP only/);
  refused([''], /^APP must be a text that is not empty/);
});

test('values that an option cannot have are refused by the name of their source', () => {
  for (const port of ['abc', '-1', '65536', '1.5', '1e3', '', ' 1', '0x10'])
    refused([`--port=${port}`], /^--port /);
  refused([], /^PORT must be a whole number from 0 to 65535, not "http"$/, { PORT: 'http' });
  for (const threads of ['0', '129', '1:', ':2', '5:2', '1:2:3', 'four']) {
    refused([`--threads=${threads}`], /^--threads must /);
  }
  refused(['--strategy', 'reactor'], /^--strategy reactor is not available in this version/);
  refused(['--strategy', 'best'], /^--strategy must be one of: leader-followers; not "best"$/);
  refused(
    ['--log-level', 'loud'],
    /^--log-level must be one of: silent, error, warn, info, debug; not "loud"$/,
  );
  refused(['--log-format', 'yaml'], /^--log-format must be one of: pretty, json; not "yaml"$/);
  refused(['--host='], /^--host must be a text/);
});

test('the dashboard is HOST:PORT or off', () => {
  assert.equal(settings(['--dashboard', 'localhost:0']).dashboard, { host: 'localhost', port: 0 });
  assert.is(settings(['--dashboard', 'off']).dashboard, 'off');
  for (const dashboard of ['9080', ':9080', 'a:', 'a:b', 'a:65536', '::1:9080', 'on', 'a b:1']) {
    refused([`--dashboard=${dashboard}`], /^--dashboard must be HOST:PORT/);
  }
});

function top(line: string[], environment: Record<string, string> = {}) {
  const command = readArguments(['top', ...line], { environment, workingDirectory: directory });
  if (command.action !== 'top') throw new Error(`the action is ${command.action}`);
  return command.target;
}

test('top takes a dashboard and its token from a URL, options or the environment', () => {
  const local = { host: '127.0.0.1', port: 9080 };
  assert.equal(top(['http://127.0.0.1:9080/#abc_-1']), { ...local, token: 'abc_-1' });
  assert.equal(top(['http://[::1]:90/#t']), { host: '::1', port: 90, token: 't' });
  assert.equal(top(['http://box/#t']), { host: 'box', port: 80, token: 't' });
  assert.equal(top(['--token', 't']), { ...local, token: 't' });
  assert.equal(top([], { PACELINE_TOKEN: 't' }), { ...local, token: 't' });
  assert.equal(top(['--dashboard', 'box:1', '--token=-t']), { host: 'box', port: 1, token: '-t' });
  // Options before the URL, that before the environment.
  const environment = { PACELINE_TOKEN: 'e' };
  assert.is(top(['http://a:1/#u'], environment).token, 'u');
  assert.equal(top(['http://a:1/#u', '--token', 'o', '--dashboard', 'b:2'], environment), {
    host: 'b',
    port: 2,
    token: 'o',
  });
  assert.is(top(['http://a:1/'], environment).token, 'e');
  assert.equal(readArguments(['top', '--help'], { environment: {}, workingDirectory: directory }), {
    action: 'help',
  });
});

test('an app called top is still to be had', () => {
  assert.is(settings(['./top']).app, join(directory, 'top'));
});

test('wrong use of top is refused in one sentence', () => {
  const refusedTop = (line: string[], message: RegExp) => refused(['top', ...line], message);
  refusedTop([], /^top needs the token; it ends the URL that the server printed/);
  refusedTop(['--token', 'a b'], /^the token cannot be "a b"/);
  refusedTop(['--token', 't', '--dashboard', '9080'], /^--dashboard must be HOST:PORT/);
  refusedTop(['--port', '1'], /^there is no option "--port"/);
  for (const url of ['127.0.0.1:9080', 'https://a/#t', 'app.js', 'ws://a/#t']) {
    refusedTop([url], /^the URL must be that of a dashboard/);
  }
  refusedTop(['http://a/#t', 'http://b/#t'], /^there can be one URL only/);
});

test('a config file that is not there, not JSON or not an object is refused', () => {
  refused(['--config', 'absent.json'], /^the config file absent.json cannot be read \(ENOENT\)/);
  refused([], /^the config file absent.json of PACELINE_CONFIG cannot be read \(ENOENT\)/, {
    PACELINE_CONFIG: 'absent.json',
  });
  config('{ port: 1 }');
  refused([], /^the config file paceline.config.json must be JSON: /);
  config('[]');
  refused([], /^the config file paceline.config.json must be one JSON object/);
});

test('unknown names and wrong values in a config file are refused', () => {
  config({ prot: 1 });
  refused([], /^there is no setting in paceline.config.json called "prot"; did you mean port\?$/);
  config({ 'keep-alive-timeout': 1 });
  refused([], /called "keep-alive-timeout"; did you mean keepAliveTimeout\?$/);
  config('{ "__proto__": 1 }');
  refused([], /called "__proto__"/);
  config({ port: '80a' });
  refused([], /^port in paceline.config.json must be a whole number/);
  config({ host: 3 });
  refused([], /^host in paceline.config.json must be a text/);
  config({ port: null });
  refused([], /^port in paceline.config.json must be a whole number from 0 to 65535, not null$/);
});

test('--help and --version need nothing else to be right', () => {
  config('no JSON at all');
  const context = { environment: { PORT: 'junk' }, workingDirectory: directory };
  assert.equal(readArguments(['--port', 'x', '--help'], context), { action: 'help' });
  assert.equal(readArguments(['-h'], context), { action: 'help' });
  assert.equal(readArguments(['--version'], context), { action: 'version' });
});

test.run();
