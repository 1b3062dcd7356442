/** `paceline compare` as a command: its figures, its failures, and that it leaves no process behind. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEMO_MIXES } from '../../../lib/compare/mixes.js';
import { rowsOf } from '../../../lib/compare/rows.js';
import { CompareRun, runs } from '../../support/compare/run.js';
import { until, within } from '../../support/server/wait.js';

interface Server {
  readonly name: string;
  readonly strategy: string;
  readonly threads: number;
  readonly asked: number;
  readonly answered: number;
  readonly figures: Readonly<Record<string, number | null>>;
  readonly better: readonly string[];
}

async function measured(...line: string[]) {
  await using run = new CompareRun(...line);
  assert.equal(await within('the figures', run.ended), [0, null], run.stderr);
  return JSON.parse(run.stdout) as {
    app: string;
    mix: string;
    rate: number;
    turns: boolean;
    servers: Server[];
  };
}

test('two strategies are asked the same, and their figures are printed as JSON', async () => {
  const line = '--strategy leader-followers,reactor --mix blocking --rate 100 --seconds 1 --json';
  const { app, mix, rate, turns, servers } = await measured(...line.split(' '));
  assert.equal([app, mix, rate, turns], ['demo', 'blocking', 100, false]);
  assert.equal(
    servers.map(({ name }) => name),
    ['leader-followers', 'reactor'],
  );
  assert.is(servers[1]!.threads, 1);
  assert.ok(servers[0]!.threads > 1);
  assert.ok(servers[0]!.asked > 50, `${servers[0]!.asked}`);
  assert.is(servers[0]!.asked, servers[1]!.asked);
  const keys = rowsOf(DEMO_MIXES.find(({ name }) => name === mix)!).map(({ key }) => key);
  for (const { name, answered, figures, better } of servers) {
    assert.ok(answered > 0, name);
    assert.equal(Object.keys(figures), keys);
    assert.is(figures.failed, 0, name);
    for (const key of ['p50Ms.fast', 'p99Ms.fast', 'cpuUs', 'switches', 'perSecond']) {
      assert.ok(figures[key]! > 0, `${name}: ${key} is ${figures[key]}`);
    }
    for (const key of better) assert.ok(keys.includes(key));
  }
});

test('an app of the user is asked for its paths, in turns, and the figures are printed as a table', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-compare-'));
  const app = join(folder, 'app.mjs');
  writeFileSync(app, 'export default { fetch: (request) => new Response(new URL(request.url).pathname) };\n');
  try {
    const same = 'leader-followers,leader-followers';
    await using run = new CompareRun(
      app,
      '--strategy',
      same,
      '--threads',
      '1,2',
      '--path',
      '/a@3,/b',
      '--turns',
      '--seconds',
      '2',
    );
    assert.equal(await within('the table', run.ended), [0, null], run.stderr);
    for (const line of [
      /^.*app\.mjs: \/a@3,\/b\./,
      /one after the other, a second each/,
      / {2}leader-followers \(1 thread\) {2,}leader-followers \(2 threads\)$/m,
      /^threads +1 +2$/m,
      /^\/a, p50 +[\d.]+ ms/m,
      /^\/b, p99 +[\d.]+ ms/m,
      /^failed +0 +0$/m,
    ])
      assert.match(run.stdout, line);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an app for node:http that listens on all addresses is asked as well', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-compare-'));
  const app = join(folder, 'server.cjs');
  writeFileSync(
    app,
    "require('node:http').createServer((_, response) => response.end('ok')).listen(process.env.PORT);\n",
  );
  try {
    const { servers } = await measured(app, '--rate', '50', '--seconds', '1', '--json');
    for (const { name, answered, figures } of servers) {
      assert.ok(answered > 0, name);
      assert.is(figures.failed, 0, name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an app that serves no HTTP cannot be compared, and it is said', async () => {
  const app = 'data:text/javascript,export default { data(connection, bytes) { connection.write(bytes); } };';
  await using run = new CompareRun(app, '--seconds', '1');
  assert.equal(await within('the end', run.ended), [1, null]);
  assert.is(
    run.stderr,
    'paceline: a comparison sends HTTP requests, and the app listens for something else\n',
  );
});

test('an app that does not load is said by the first server, and the exit code is 1', async () => {
  await using run = new CompareRun('/nowhere/app.js', '--seconds', '1');
  assert.equal(await within('the end', run.ended), [1, null]);
  assert.is(run.stdout, '');
  assert.match(run.stderr, /^leader-followers: paceline: there is no app at \/nowhere\/app\.js;/);
  assert.match(run.stderr, /\npaceline: the server of leader-followers has ended with exit code 1\n$/);
});

test('a mistake on the line is refused before anything starts, and help is printed', async () => {
  await using run = new CompareRun('--strategy', 'none');
  assert.equal(await within('the end', run.ended), [2, null]);
  assert.match(run.stderr, /^paceline: --strategy must be one of: /);
  await using help = new CompareRun('--help');
  assert.equal(await within('the help', help.ended), [0, null]);
  assert.match(help.stdout, /^paceline compare: /);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  test(`after ${signal} no process is left`, async () => {
    await using run = new CompareRun('--port', '0', '--threads', '1');
    await run.page();
    const children = run.children();
    assert.is(children.length, 3, 'two servers and the process that sends the load');
    run.kill(signal);
    const [code] = await within('the end', run.ended);
    assert.is(code, signal === 'SIGKILL' ? null : 0);
    await until('the children are gone', () => !children.some(runs));
  });
}

test('a signal while the servers start leaves no process either', async () => {
  await using run = new CompareRun('--port', '0');
  await until('a server is started', () => run.children().length > 0);
  const children = run.children();
  run.kill('SIGTERM');
  assert.equal(await within('the end', run.ended), [0, null]);
  await until('the children are gone', () => !children.some(runs));
});

// In the order in which they were started.
for (const [index, who] of [
  'the server of leader-followers',
  'the server of reactor',
  'the process that sends the load',
].entries()) {
  test(`the comparison ends with ${who}, and it is said`, async () => {
    await using run = new CompareRun('--port', '0', '--threads', '1');
    await run.page();
    const children = run.children();
    process.kill(children[index]!, 'SIGKILL');
    assert.equal(await within('the end', run.ended), [1, null]);
    assert.match(run.stderr, new RegExp(`paceline: ${who} has ended by SIGKILL\n$`));
    await until('the children are gone', () => !children.some(runs));
  });
}

test.run();
