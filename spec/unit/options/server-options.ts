import { mkdtempSync, rmdirSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { resolveOptions, type ServerOptions } from '../../../lib/options/server-options.js';
import { defaultThreads } from '../../../lib/options/thread-range.js';
import { DESCRIPTIONS, STRATEGIES } from '../../../lib/strategies/descriptions.js';

const THIS_FILE = fileURLToPath(import.meta.url);

/** Options as plain JavaScript may pass them. */
const resolveLoosely = (options: unknown) => resolveOptions(options as ServerOptions);

function refused(options: unknown, message: RegExp, code = 'PACELINE_OPTION'): void {
  let caught: unknown;
  try {
    resolveLoosely(options);
  } catch (error) {
    caught = error;
  }
  assert.instance(caught, PacelineError);
  assert.is((caught as PacelineError).code, code);
  assert.match((caught as PacelineError).message, message);
}

test('without options, the documented defaults count', () => {
  const { app, threads, strategy, maxConnections, maxHeaderSize, maxBodySize, logger } = resolveOptions();
  const count = Math.min(128, Math.max(4, Math.ceil(1.5 * availableParallelism())));
  assert.match(app, /^file:.*\/lib\/demo\/app\.js$/);
  assert.equal(threads, { min: count, max: count });
  assert.is(strategy, 'leader-followers');
  assert.equal([maxConnections, maxHeaderSize, maxBodySize], [16_384, 16_384, 16 * 1024 * 1024]);
  assert.not.throws(() => logger.error('goes nowhere', { thread: 1 }));
});

test('by default there are half as many threads again as cores, four at least', () => {
  const counts = [1, 2, 3, 4, 8, 64, 128].map((cores) => defaultThreads(cores));
  assert.equal(counts, [4, 4, 5, 6, 12, 96, 128]);
});

test('the dashboard is off, or where it is asked to be', () => {
  assert.is(resolveOptions().dashboard, false);
  assert.is(resolveOptions({ dashboard: false }).dashboard, false);
  assert.equal(resolveOptions({ dashboard: {} }).dashboard, {
    host: '127.0.0.1',
    port: 9080,
    anyPortIfTaken: false,
    token: null,
    showQueries: false,
  });
  const place = { host: '::1', port: 0, anyPortIfTaken: true, token: 'A-valid_token.~0', showQueries: true };
  assert.equal(resolveOptions({ dashboard: place }).dashboard, place);
  assert.equal(
    resolveOptions({ dashboard: { host: undefined } }).dashboard,
    resolveOptions({ dashboard: {} }).dashboard,
  );
});

test('other dashboards are refused', () => {
  for (const dashboard of [true, null, 9080, '127.0.0.1:9080', []]) {
    refused({ dashboard }, /^dashboard must be an object, as in \{ port: 9080 \}, or false, not /);
  }
  for (const port of [-1, 65_536, 1.5, '9080', null])
    refused({ dashboard: { port } }, /^dashboard\.port must be a whole number/);
  for (const host of ['', 1, null]) refused({ dashboard: { host } }, /^dashboard\.host must be a name/);
  refused({ dashboard: { anyPortIfTaken: 1 } }, /^dashboard\.anyPortIfTaken must be/);
  refused({ dashboard: { showQueries: 'yes' } }, /^dashboard\.showQueries must be true or false/);
  for (const token of ['', 'short', '0123456789abcde', `${'a'.repeat(16)} `, `${'a'.repeat(16)}#`, 1, null])
    refused({ dashboard: { token } }, /^dashboard\.token must be a token of 16 to 256 characters/);
  refused({ dashboard: { prot: 1 } }, /^there is no member of dashboard "prot"; did you mean port\?$/);
});

test('an app has the name that the user gave it', () => {
  assert.is(resolveOptions().appName, 'demo');
  assert.is(resolveOptions({ app: THIS_FILE }).appName, THIS_FILE);
});

test('an option that is undefined counts as left out', () => {
  assert.equal(
    Object.keys(resolveOptions({ threads: undefined, app: undefined })),
    Object.keys(resolveOptions()),
  );
  assert.is(resolveOptions({ maxConnections: undefined }).maxConnections, 16_384);
});

test('threads may be a number, MIN:MAX or both ends', () => {
  const table: [ServerOptions['threads'], number, number][] = [
    [1, 1, 1],
    [128, 128, 128],
    ['6', 6, 6],
    ['2:8', 2, 8],
    ['3:3', 3, 3],
    [{ min: 1, max: 128 }, 1, 128],
  ];
  for (const [threads, min, max] of table) assert.equal(resolveOptions({ threads }).threads, { min, max });
});

test('other threads are refused', () => {
  const wrong = [
    0,
    129,
    -1,
    1.5,
    Number.NaN,
    Infinity,
    '',
    'four',
    '0',
    '1:129',
    '1:',
    ':1',
    ' 1',
    '1e1',
    null,
    true,
  ];
  for (const threads of [...wrong, [1, 2], { min: 1 }, { max: 1 }, { min: '1', max: 2 }]) {
    refused({ threads }, /^threads must be a whole number from 1 to 128, or MIN:MAX of two, not /);
  }
  refused({ threads: '8:2' }, /^threads must have its smaller number first, so 2:8, not 8:2$/);
  refused({ threads: { min: 1, maximum: 2 } }, /^there is no member of threads "maximum"; valid: min, max$/);
});

test('the app may be a path, relative or absolute, or a URL', () => {
  const href = pathToFileURL(THIS_FILE).href;
  assert.is(resolveOptions({ app: THIS_FILE }).app, href);
  assert.is(resolveOptions({ app: href }).app, href);
  assert.is(resolveOptions({ app: new URL(import.meta.url) }).app, href);
  assert.is(
    resolveOptions({ app: 'package.json' }).app,
    new URL('package.json', pathToFileURL(`${process.cwd()}/`)).href,
  );
  assert.is(resolveOptions({ app: 'data:text/javascript,1' }).app, 'data:text/javascript,1');
});

test('an app that is a directory is served by the directory app, which its query tells the root', () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline a+b%20&c=?#-'));
  try {
    for (const app of [folder, `${folder}/`, relative(process.cwd(), folder), pathToFileURL(folder)]) {
      const url = new URL(resolveOptions({ app }).app);
      assert.match(url.pathname, /\/lib\/static\/directory-app\.js$/);
      assert.is(resolve(url.searchParams.get('root')!), folder);
    }
  } finally {
    rmdirSync(folder);
  }
});

test('an app path at which there is nothing is refused before any thread starts', () => {
  refused({ app: './no/such/app.js' }, /^there is no app at \/.*\/no\/such\/app\.js; /, 'PACELINE_APP_LOAD');
  refused({ app: `${THIS_FILE}/app.js` }, /^there is no app at /, 'PACELINE_APP_LOAD');
});

test('an app that is no path and no URL of a module is refused', () => {
  for (const app of ['', 3, null, {}, () => {}])
    refused({ app }, /^app must be the path or the URL of a module or a directory, not /);
  refused(
    { app: 'https://example.com/app.js' },
    /^app must be a path, or a URL that begins with file: or data:/,
  );
  refused({ app: 'file://elsewhere/app.js' }, /^app must be the URL of a file on this machine/);
});

test('a strategy is one of those that there are, and leader-followers by default', () => {
  assert.is(resolveOptions().strategy, 'leader-followers');
  for (const strategy of STRATEGIES) assert.is(resolveOptions({ strategy }).strategy, strategy);
  const names = STRATEGIES.join(', ');
  refused({ strategy: 'cluster' }, new RegExp(`^strategy must be one of: ${names}; not "cluster"$`));
  refused({ strategy: 1 }, new RegExp(`^strategy must be one of: ${names}; not 1$`));
});

test('a strategy bounds the threads, and a thread that runs no handlers is one more by default', () => {
  const byDefault = resolveOptions().threads.max;
  for (const strategy of STRATEGIES) {
    const { minThreads, maxThreads, ioThreads } = DESCRIPTIONS[strategy];
    const threads = (value?: number) => resolveOptions({ strategy, threads: value }).threads.max;
    assert.is(threads(), Math.min(byDefault + ioThreads, maxThreads));
    assert.is(threads(6), Math.min(6, maxThreads));
    if (minThreads > 1) {
      refused(
        { strategy, threads: 1 },
        new RegExp(`^strategy ${strategy} needs 2 threads at least, .+; threads is 1$`),
      );
    }
  }
});

test('sizes, counts and timeouts are whole numbers within their bounds', () => {
  const table: [keyof ServerOptions, number[], unknown[]][] = [
    ['maxConnections', [1, 1_048_576], [0, 1_048_577, 1.5, '10', Infinity, null]],
    ['maxHeaderSize', [256, 65_535], [255, 65_536, Number.NaN, '16384', Infinity]],
    ['maxBodySize', [0, 1, 2 ** 40, Infinity], [-1, 0.5, Number.NaN, -Infinity, '1mb', 'unlimited']],
    ['maxRequestsPerSocket', [0, 2 ** 31 - 1], [-1, 2 ** 31, Infinity, null]],
    ['headersTimeout', [0, 86_400_000], [-1, 86_400_001, Infinity, '1', null]],
    ['requestTimeout', [0, 86_400_000], [-1, 86_400_001, Infinity, '1', null]],
    ['keepAliveTimeout', [0, 86_400_000], [-1, 86_400_001, Infinity, '1', null]],
    ['sendTimeout', [0, 86_400_000], [-1, 86_400_001, Infinity, '1', null]],
    ['drainTimeout', [0, 86_400_000], [-1, 86_400_001, Infinity, '1', null]],
  ];
  for (const [name, right, wrong] of table) {
    for (const value of right) assert.is(resolveLoosely({ [name]: value })[name], value);
    for (const value of wrong)
      refused({ [name]: value }, new RegExp(`^${name} must be a whole number from `));
  }
});

test('the access log has a format and a share, and readiness a switch', () => {
  const { accessLog, accessLogSample, readyWhenDegraded, dev } = resolveOptions();
  assert.equal([accessLog, accessLogSample, readyWhenDegraded, dev], ['off', 1, true, false]);
  assert.is(resolveOptions({ accessLog: 'combined' }).accessLog, 'combined');
  assert.is(resolveOptions({ accessLogSample: 0.01 }).accessLogSample, 0.01);
  assert.is(resolveOptions({ readyWhenDegraded: false }).readyWhenDegraded, false);
  refused({ accessLog: true }, /^accessLog must be one of: off, common, combined, json; not true$/);
  for (const accessLogSample of [-0.1, 1.1, Number.NaN, '1', null])
    refused({ accessLogSample }, /^accessLogSample must be a number from 0 to 1, not /);
  refused({ readyWhenDegraded: 1 }, /^readyWhenDegraded must be true or false, not 1$/);
});

test('only the command has a server for development', () => {
  assert.is(resolveOptions({}, { dev: true }).dev, true);
  refused({ dev: true }, /^there is no option "dev"/);
});

test('a logger has all four functions', () => {
  const logger = { error() {}, warn() {}, info() {}, debug() {} };
  assert.is(resolveOptions({ logger }).logger, logger);
  assert.not.throws(() => resolveOptions({ logger: false }).logger.error('goes nowhere'));
  refused({ logger: { ...logger, warn: undefined } }, /^logger must be .*; warn is none$/);
  for (const wrong of [null, true]) refused({ logger: wrong }, /^logger must be /);
});

test('names that are no option are refused, with the nearest one', () => {
  refused({ thread: 4 }, /^there is no option "thread"; did you mean threads\?$/);
  refused({ maxBodysize: 4 }, /did you mean maxBodySize\?$/);
  refused({ port: 80 }, /^there is no option "port"; valid: app, threads, .*logger$/);
  refused({ [`x${'y'.repeat(10_000)}`]: 1 }, /^there is no option "xy{79}…"; valid: /);
  for (const options of [null, 3, 'app.js']) refused(options, /^the options must be an object, not /);
});

test.run();
