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

async function settings(line: string[], environment: Record<string, string> = {}): Promise<Settings> {
  const command = await readArguments(line, { environment, workingDirectory: directory });
  if (command.action !== 'run') throw new Error(`the action is ${command.action}`);
  return command.settings;
}

function config(values: unknown, name = 'paceline.config.json'): void {
  writeFileSync(join(directory, name), typeof values === 'string' ? values : JSON.stringify(values));
}

async function refused(
  line: string[],
  message: RegExp,
  environment: Record<string, string> = {},
): Promise<void> {
  const error: unknown = await settings(line, environment).then(
    () => assert.unreachable(`${line.join(' ')} should be refused with ${message}`),
    (reason: unknown) => reason,
  );
  assert.instance(error, PacelineError);
  assert.is((error as PacelineError).code, 'PACELINE_OPTION');
  assert.match((error as PacelineError).message, message);
}

test('without arguments, the defaults of the contract count', async () => {
  assert.equal(await settings([]), {
    app: undefined,
    port: 8080,
    host: '127.0.0.1',
    listen: undefined,
    threads: undefined,
    groups: 1,
    strategy: 'leader-followers',
    maxConnections: 16_384,
    maxHeaderSize: 16_384,
    maxBodySize: 16_777_216,
    maxRequestsPerSocket: 0,
    headersTimeout: 60_000,
    requestTimeout: 300_000,
    keepAliveTimeout: 5000,
    sendTimeout: 60_000,
    drainTimeout: 10_000,
    dashboard: undefined,
    readyWhenDegraded: true,
    accessLog: 'off',
    accessLogSample: 1,
    dashboardToken: undefined,
    dashboardTokenFile: undefined,
    dashboardShowQueries: false,
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
    ['--groups', 'PACELINE_GROUPS', 'groups', '2', 2],
    ['--strategy', 'PACELINE_STRATEGY', 'strategy', 'leader-followers', 'leader-followers'],
    ['--max-connections', 'PACELINE_MAX_CONNECTIONS', 'maxConnections', '10', 10],
    ['--max-header-size', 'PACELINE_MAX_HEADER_SIZE', 'maxHeaderSize', '1000', 1000],
    ['--max-body-size', 'PACELINE_MAX_BODY_SIZE', 'maxBodySize', 'unlimited', 'unlimited'],
    ['--max-requests-per-socket', 'PACELINE_MAX_REQUESTS_PER_SOCKET', 'maxRequestsPerSocket', '7', 7],
    ['--headers-timeout', 'PACELINE_HEADERS_TIMEOUT', 'headersTimeout', '11', 11],
    ['--request-timeout', 'PACELINE_REQUEST_TIMEOUT', 'requestTimeout', '12', 12],
    ['--keep-alive-timeout', 'PACELINE_KEEP_ALIVE_TIMEOUT', 'keepAliveTimeout', '13', 13],
    ['--send-timeout', 'PACELINE_SEND_TIMEOUT', 'sendTimeout', '0', 0],
    ['--drain-timeout', 'PACELINE_DRAIN_TIMEOUT', 'drainTimeout', '14', 14],
    ['--listen', 'PACELINE_LISTEN', 'listen', '[::1]:1,unix:/x', ['[::1]:1', 'unix:/x']],
    ['--dashboard', 'PACELINE_DASHBOARD', 'dashboard', '[::1]:9', '[::1]:9'],
    ['--dashboard-token-file', 'PACELINE_DASHBOARD_TOKEN_FILE', 'dashboardTokenFile', 'file', 'file'],
    ['--dashboard-show-queries', 'PACELINE_DASHBOARD_SHOW_QUERIES', 'dashboardShowQueries', 'true', true],
    ['--ready-when-degraded', 'PACELINE_READY_WHEN_DEGRADED', 'readyWhenDegraded', 'false', false],
    ['--access-log', 'PACELINE_ACCESS_LOG', 'accessLog', 'json', 'json'],
    ['--access-log-sample', 'PACELINE_ACCESS_LOG_SAMPLE', 'accessLogSample', '0.25', 0.25],
    ['--log-level', 'PACELINE_LOG_LEVEL', 'logLevel', 'debug', 'debug'],
    ['--log-format', 'PACELINE_LOG_FORMAT', 'logFormat', 'json', 'json'],
  ];

test('every option is read from the command line, the environment and the config file', async () => {
  const expected = {
    app: join(directory, 'app.js'),
    port: 1,
    host: '::1',
    listen: [{ host: '::1', port: 1 }, { path: '/x' }],
    threads: { min: 2, max: 3 },
    groups: 2,
    strategy: 'leader-followers',
    maxConnections: 10,
    maxHeaderSize: 1000,
    maxBodySize: Number.POSITIVE_INFINITY,
    maxRequestsPerSocket: 7,
    headersTimeout: 11,
    requestTimeout: 12,
    keepAliveTimeout: 13,
    sendTimeout: 0,
    drainTimeout: 14,
    dashboard: { host: '::1', port: 9 },
    readyWhenDegraded: false,
    accessLog: 'json',
    accessLogSample: 0.25,
    dashboardToken: undefined,
    dashboardTokenFile: 'file',
    dashboardShowQueries: true,
    logLevel: 'debug',
    logFormat: 'json',
  };
  const line = EVERY_OPTION.flatMap(([flag, , , text]) => [flag, text]);
  assert.equal(await settings([...line, 'app.js']), expected);
  const variables = EVERY_OPTION.map(([, variable, , text]) => [variable, text]);
  assert.equal(await settings([], { ...Object.fromEntries(variables), PACELINE_APP: 'app.js' }), expected);
  const values = EVERY_OPTION.map(([, , key, , inFile]) => [key, inFile]);
  config({ ...Object.fromEntries(values), app: 'app.js' });
  assert.equal(await settings([]), expected);
});

test('the short forms of the contract are read', async () => {
  const { port, host, threads } = await settings(['-p', '81', '-Hlocalhost', '-t3']);
  assert.equal([port, host, threads], [81, 'localhost', { min: 3, max: 3 }]);
});

test('an option goes before the environment, that before the config file, that before the default', async () => {
  assert.is((await settings([])).port, 8080);
  config({ port: 1, host: 'file' });
  assert.is((await settings([])).port, 1);
  assert.is((await settings([], { PORT: '2', HOST: 'variable' })).port, 2);
  assert.is((await settings([], { PORT: '2', HOST: 'variable' })).host, 'variable');
  assert.is((await settings(['--port', '3'], { PORT: '2' })).port, 3);
  assert.is((await settings(['--port', '3'], { PORT: '2' })).host, 'file');
});

test('--listen takes several addresses, each of them once or all in one value', async () => {
  const all = [{ port: 3000 }, { host: '::1', port: 0 }, { path: '/run/a.sock' }, { fd: 3 }];
  const line = ['3000', '[::1]:0', 'unix:/run/a.sock', 'fd:3'].flatMap((address) => ['--listen', address]);
  assert.equal((await settings(line)).listen, all);
  assert.equal((await settings(['--listen', '3000, [::1]:0,unix:/run/a.sock,fd:3'])).listen, all);
  config({ listen: 'unix:/a,b' });
  assert.equal((await settings([])).listen, [{ path: '/a,b' }]);
  for (const address of ['', ':1', 'a:', '::1:1', 'unix:', 'fd:', 'fd:x', '65536', '1,', '/run/a.sock'])
    await refused([`--listen=${address}`], /^--listen must be HOST:PORT .*, PORT, unix:PATH or fd:N, not "/);
  await refused(
    ['--listen', new Array(17).fill('1').join()],
    /^--listen must have 1 to 16 addresses, not 17$/,
  );
});

async function run(line: string[], environment: Record<string, string> = {}) {
  const command = await readArguments(line, { environment, workingDirectory: directory });
  if (command.action !== 'run') throw new Error(`the action is ${command.action}`);
  return command;
}

test('the server listens at port and host unless --listen says otherwise', async () => {
  const host = '127.0.0.1';
  const addresses = async (...given: Parameters<typeof run>) => (await run(...given)).addresses;
  const listen = ['--listen', '3000'];
  assert.equal(await addresses([]), [{ port: 8080, host }]);
  assert.equal(await addresses(listen), [{ port: 3000 }]);
  assert.equal(await addresses([...listen, '-p', '1']), [{ port: 1, host }, { port: 3000 }]);
  assert.equal(await addresses([...listen, '-H', '::1']), [{ port: 8080, host: '::1' }, { port: 3000 }]);
  assert.equal(await addresses(listen, { PORT: '1' }), [{ port: 3000 }], 'a variable that platforms set');
  assert.equal(await addresses([], { PORT: '1', PACELINE_LISTEN: '2' }), [{ port: 1, host }, { port: 2 }]);
  assert.equal(await addresses(['-p', '1'], { HOST: '::1', PACELINE_LISTEN: '2' }), [
    { port: 1, host: '::1' },
    { port: 2 },
  ]);
  config({ port: 1, listen: ['2'] });
  assert.equal(await addresses([]), [{ port: 1, host }, { port: 2 }]);
  assert.equal(await addresses(listen), [{ port: 3000 }]);
});

test('PORT and HOST of the app are those of the first address', async () => {
  const environment = async (...given: Parameters<typeof run>) => (await run(...given)).environment;
  assert.equal(await environment(['--listen', '[::1]:3,4']), { PORT: '3', HOST: '::1' });
  assert.equal(await environment(['--listen', '3'], { PORT: '1', HOST: '::1' }), { PORT: '3' });
  assert.equal(await environment(['--listen', 'unix:/a,3']), {});
  assert.equal(await environment(['--listen', '3', '-p', '4']), { PORT: '4' });
});

test('the token of the dashboard comes from the environment alone, and no message shows it', async () => {
  const variable = 'PACELINE_DASHBOARD_TOKEN';
  assert.is((await settings([], { [variable]: '0123456789abc.~_' })).dashboardToken, '0123456789abc.~_');
  await refused(['--dashboard-token', '0123456789abcdef'], /^there is no option "--dashboard-token"/);
  await refused([], new RegExp(`^${variable} must be a token of 16 to 256 characters[^"]*$`), {
    [variable]: 'secret',
  });
});

test('PORT and HOST of the app are those that were given, wherever', async () => {
  const environment = async (line: string[], variables = {}) => {
    const command = await readArguments(line, { environment: variables, workingDirectory: directory });
    return command.action === 'run' && command.environment;
  };
  assert.equal(await environment([]), {}, 'a default is not given');
  assert.equal(await environment(['--port', '0']), { PORT: '0' });
  assert.equal(await environment(['-p', '3'], { PORT: '2', HOST: '::1' }), { PORT: '3', HOST: '::1' });
  config({ port: 4, threads: 2 });
  assert.equal(await environment([]), { PORT: '4' });
});

test('only the value that decides is checked', async () => {
  assert.is((await settings(['--port', '3'], { PORT: 'junk' })).port, 3);
  config({ keepAliveTimeout: 'junk', maxBodySize: -1 });
  const { keepAliveTimeout, maxBodySize } = await settings(['--keep-alive-timeout', '1'], {
    PACELINE_KEEP_ALIVE_TIMEOUT: 'junk',
    PACELINE_MAX_BODY_SIZE: '2',
  });
  assert.equal([keepAliveTimeout, maxBodySize], [1, 2]);
});

test('a value that decides is refused by the name that it has where it was found', async () => {
  const bounds = 'must be a whole number from 0 to 86400000, not';
  await refused(['--send-timeout', '1s'], new RegExp(`^--send-timeout ${bounds} "1s"$`));
  await refused(['--send-timeout=-1'], new RegExp(`^--send-timeout ${bounds} "-1"$`));
  await refused([], new RegExp(`^PACELINE_SEND_TIMEOUT ${bounds} 86400001$`), {
    PACELINE_SEND_TIMEOUT: '86400001',
  });
  config({ sendTimeout: 1.5 });
  await refused([], new RegExp(`^sendTimeout in paceline.config.json ${bounds} 1.5$`));
  config({ sendTimeout: '60000' });
  await refused([], new RegExp(`^sendTimeout in paceline.config.json ${bounds} "60000"$`));
  config({});
  for (const junk of ['', '1mb', 'Infinity', '1e6', '9007199254740992', '99999999999999999999']) {
    await refused(
      [`--max-body-size=${junk}`],
      /^--max-body-size must be a whole number from 0 to 9007199254740991, or unlimited, not "/,
    );
  }
  await refused(
    ['--max-connections', '0'],
    /^--max-connections must be a whole number from 1 to 1048576, not 0$/,
  );
  await refused([], /^PACELINE_THREADS must be a whole number from 1 to 128/, { PACELINE_THREADS: 'many' });
  await refused([], /^PACELINE_LOG_LEVEL must be one of: silent/, { PACELINE_LOG_LEVEL: 'loud' });
});

test('an empty variable counts as not set', async () => {
  config({ port: 1 });
  assert.is((await settings([], { PORT: '' })).port, 1);
});

test('a config file has the names of the options, and app', async () => {
  config({
    app: 'a.js',
    threads: { min: 1, max: 2 },
    dashboard: 'off',
    logLevel: 'warn',
    logFormat: 'json',
  });
  const { app, threads, dashboard, logLevel, logFormat } = await settings([]);
  assert.is(app, join(directory, 'a.js'));
  assert.equal(threads, { min: 1, max: 2 });
  assert.equal([dashboard, logLevel, logFormat], ['off', 'warn', 'json']);
});

test('the keys that a config file had for the log before are read, but not beside the new ones', async () => {
  config({ 'log-level': 'warn', 'log-format': 'json' });
  const { logLevel, logFormat } = await settings([]);
  assert.equal([logLevel, logFormat], ['warn', 'json']);
  config({ 'log-level': 'loud' });
  await refused([], /^log-level in paceline.config.json must be one of: silent/);
  config({ 'log-level': 'warn', logLevel: 'warn' });
  await refused(
    [],
    /^log-level in paceline.config.json is the former name of logLevel, .*; leave out log-level$/,
  );
});

test('a config file may name its schema', async () => {
  config({ $schema: './node_modules/paceline/dist/lib/config.schema.json', port: 7 });
  assert.is((await settings([])).port, 7);
});

test('--config names another config file, and the usual one is left alone', async () => {
  config('no JSON at all');
  config({ port: 7 }, 'other.json');
  config({ port: 8 }, 'third.json');
  assert.is((await settings(['--config', 'other.json'])).port, 7);
  assert.is((await settings([], { PACELINE_CONFIG: 'third.json' })).port, 8);
  assert.is((await settings(['--config', 'other.json'], { PACELINE_CONFIG: 'absent.json' })).port, 7);
});

test('an app in a config file is relative to that file, one on the line to the working directory', async () => {
  config({ app: './a.js' }, 'deep.json');
  const elsewhere = { environment: {}, workingDirectory: tmpdir() };
  const fromFile = await readArguments(['--config', join(directory, 'deep.json')], elsewhere);
  assert.is(fromFile.action === 'run' && fromFile.settings.app, join(directory, 'a.js'));
  const fromLine = await readArguments(['--config', join(directory, 'deep.json'), 'b.js'], elsewhere);
  assert.is(fromLine.action === 'run' && fromLine.settings.app, join(tmpdir(), 'b.js'));
});

test('an app may be a URL, and one that begins with a dash comes after --', async () => {
  assert.is((await settings(['file:///a/b.js'])).app, 'file:///a/b.js');
  assert.is((await settings(['--', '-a.js'])).app, join(directory, '-a.js'));
});

test('wrong use of the line is refused in one sentence', async () => {
  await refused(['--bogus'], /^there is no option "--bogus"; valid: paceline --help lists them$/);
  await refused(['--prot', '3'], /did you mean --port\?$/);
  await refused(['-x'], /^there is no option "-x"/);
  await refused(['--port'], /^--port needs a value/);
  await refused(['--port', '--host', 'x'], /^--port needs a value/);
  await refused(['--help=yes'], /^--help takes no value/);
  await refused(['a.js', 'b.js'], /^there can be one APP only/);
  await refused([''], /^APP must be a text that is not empty/);
});

test('values that an option cannot have are refused by the name of their source', async () => {
  for (const port of ['abc', '-1', '65536', '1.5', '1e3', '', ' 1', '0x10'])
    await refused([`--port=${port}`], /^--port /);
  await refused([], /^PORT must be a whole number from 0 to 65535, not "http"$/, { PORT: 'http' });
  for (const threads of ['0', '129', '1:', ':2', '5:2', '1:2:3', 'four']) {
    await refused([`--threads=${threads}`], /^--threads must /);
  }
  await refused(['--strategy', 'best'], /^--strategy must be one of: leader-followers, .+; not "best"$/);
  await refused(
    ['--log-level', 'loud'],
    /^--log-level must be one of: silent, error, warn, info, debug; not "loud"$/,
  );
  await refused(['--log-format', 'yaml'], /^--log-format must be one of: pretty, json; not "yaml"$/);
  await refused(['--host='], /^--host must be a text/);
});

test('the dashboard is HOST:PORT or off', async () => {
  assert.equal((await settings(['--dashboard', 'localhost:0'])).dashboard, { host: 'localhost', port: 0 });
  assert.is((await settings(['--dashboard', 'off'])).dashboard, 'off');
  for (const dashboard of ['9080', ':9080', 'a:', 'a:b', 'a:65536', '::1:9080', 'on', 'a b:1']) {
    await refused([`--dashboard=${dashboard}`], /^--dashboard must be HOST:PORT/);
  }
});

async function top(line: string[], environment: Record<string, string> = {}) {
  const command = await readArguments(['top', ...line], { environment, workingDirectory: directory });
  if (command.action !== 'top') throw new Error(`the action is ${command.action}`);
  return command.target;
}

test('top takes a dashboard and its token from a URL, options or the environment', async () => {
  const local = { host: '127.0.0.1', port: 9080 };
  assert.equal(await top(['http://127.0.0.1:9080/#abc_-1.~']), { ...local, token: 'abc_-1.~' });
  assert.equal(await top(['http://[::1]:90/#t']), { host: '::1', port: 90, token: 't' });
  assert.equal(await top(['http://box/#t']), { host: 'box', port: 80, token: 't' });
  assert.equal(await top(['--token', 't']), { ...local, token: 't' });
  assert.equal(await top([], { PACELINE_TOKEN: 't' }), { ...local, token: 't' });
  assert.equal(await top(['--dashboard', 'box:1', '--token=-t']), { host: 'box', port: 1, token: '-t' });
  // Options before the URL, that before the environment.
  const environment = { PACELINE_TOKEN: 'e' };
  assert.is((await top(['http://a:1/#u'], environment)).token, 'u');
  assert.equal(await top(['http://a:1/#u', '--token', 'o', '--dashboard', 'b:2'], environment), {
    host: 'b',
    port: 2,
    token: 'o',
  });
  assert.is((await top(['http://a:1/'], environment)).token, 'e');
  assert.equal(await readArguments(['top', '--help'], { environment: {}, workingDirectory: directory }), {
    action: 'help',
  });
});

test('an app called top is still to be had', async () => {
  assert.is((await settings(['./top'])).app, join(directory, 'top'));
});

test('wrong use of top is refused in one sentence', async () => {
  const refusedTop = (line: string[], message: RegExp) => refused(['top', ...line], message);
  await refusedTop([], /^top needs the token; it ends the URL that the server printed/);
  await refusedTop(['--token', 'a b'], /^the token cannot be "a b"/);
  await refusedTop(['--token', 't', '--dashboard', '9080'], /^--dashboard must be HOST:PORT/);
  await refusedTop(['--port', '1'], /^there is no option "--port"/);
  for (const url of ['127.0.0.1:9080', 'https://a/#t', 'app.js', 'ws://a/#t']) {
    await refusedTop([url], /^the URL must be that of a dashboard/);
  }
  await refusedTop(['http://a/#t', 'http://b/#t'], /^there can be one URL only/);
});

test('a config file that is not there, not JSON or not an object is refused', async () => {
  await refused(['--config', 'absent.json'], /^the config file absent.json cannot be read \(ENOENT\)/);
  await refused([], /^the config file absent.json of PACELINE_CONFIG cannot be read \(ENOENT\)/, {
    PACELINE_CONFIG: 'absent.json',
  });
  config('{ port: 1 }');
  await refused([], /^the config file paceline.config.json must be JSON: /);
  config('[]');
  await refused([], /^the config file paceline.config.json must be one JSON object/);
});

test('unknown names and wrong values in a config file are refused', async () => {
  config({ prot: 1 });
  await refused([], /^there is no setting in paceline.config.json called "prot"; did you mean port\?$/);
  config({ 'keep-alive-timeout': 1 });
  await refused([], /called "keep-alive-timeout"; did you mean keepAliveTimeout\?$/);
  config('{ "__proto__": 1 }');
  await refused([], /called "__proto__"/);
  config({ port: '80a' });
  await refused([], /^port in paceline.config.json must be a whole number/);
  config({ host: 3 });
  await refused([], /^host in paceline.config.json must be a text/);
  config({ port: null });
  await refused([], /^port in paceline.config.json must be a whole number from 0 to 65535, not null$/);
});

test('--help and --version need nothing else to be right', async () => {
  config('no JSON at all');
  const context = { environment: { PORT: 'junk' }, workingDirectory: directory };
  assert.equal(await readArguments(['--port', 'x', '--help'], context), { action: 'help' });
  assert.equal(await readArguments(['-h'], context), { action: 'help' });
  assert.equal(await readArguments(['--version'], context), { action: 'version' });
});

test.run();
