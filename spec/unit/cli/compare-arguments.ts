/** The arguments of `paceline compare`. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readArguments } from '../../../lib/cli/arguments.js';
import { compareHelpText } from '../../../lib/cli/compare-help.js';
import { developmentLine } from '../../../lib/cli/development-line.js';
import { DEMO_MIXES } from '../../../lib/compare/mixes.js';

const context = { environment: {}, workingDirectory: '/srv' };

async function compare(...line: string[]) {
  const command = await readArguments(['compare', ...line], context);
  if (command.action !== 'compare') throw new Error(`not a comparison: ${command.action}`);
  return command.options;
}

async function refusal(...line: string[]): Promise<string> {
  try {
    await compare(...line);
  } catch (error) {
    assert.is((error as { code?: string }).code, 'PACELINE_OPTION');
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

test('without arguments the demo is served by leader-followers beside reactor, and the mix has handlers that block', async () => {
  const { servers, app, mixes, mix, rate, turns, seconds, json, port } = await compare();
  assert.equal(servers, [
    { name: 'leader-followers', strategy: 'leader-followers', threads: undefined },
    { name: 'reactor', strategy: 'reactor', threads: undefined },
  ]);
  assert.equal(
    [app, mix, rate, turns, seconds, json, port],
    [undefined, 'blocking', 200, false, undefined, false, undefined],
  );
  assert.is(mixes, DEMO_MIXES);
});

test('all options are read', async () => {
  const line =
    '--strategy reactor,leader-followers -t 3 --port 0 --rate 50 --mix cpu --turns --seconds 7 --json';
  const { servers, port, rate, mix, turns, seconds, json } = await compare(...line.split(' '));
  assert.equal(
    servers.map(({ threads }) => threads),
    [3, 3],
  );
  assert.equal([port, rate, mix, turns, seconds, json], [0, 50, 'cpu', true, 7, true]);
});

test('each server may have threads of its own, and two of the same model have different names', async () => {
  const same = 'leader-followers,leader-followers';
  const { servers } = await compare('--strategy', same, '--threads', '2,8');
  assert.equal(
    servers.map(({ name, threads }) => [name, threads]),
    [
      ['leader-followers (2 threads)', 2],
      ['leader-followers (8 threads)', 8],
    ],
  );
  const alike = await compare('--strategy', same);
  assert.equal(
    alike.servers.map(({ name }) => name),
    ['leader-followers (1)', 'leader-followers (2)'],
  );
  const one = await compare('--strategy', same, '--threads', '1,2');
  assert.is(one.servers[0]!.name, 'leader-followers (1 thread)');
});

test('an app of the user is asked for its paths, by default for /', async () => {
  const plain = await compare('app.js');
  assert.is(plain.app, '/srv/app.js');
  assert.equal(
    plain.mixes.map(({ kinds }) => kinds.map(({ path }) => path)),
    [['/']],
  );
  assert.is(plain.mix, plain.mixes[0]!.name);
  const { mixes } = await compare('app.js', '--path', '/fast@99,/report');
  assert.equal(mixes[0]!.kinds, [
    { name: '/fast', path: '/fast', weight: 99, holds: false },
    { name: '/report', path: '/report', weight: 1, holds: true },
  ]);
});

test('what is invalid is refused in one sentence', async () => {
  assert.match(
    await refusal('--strategy', 'leader'),
    /^--strategy must be one of: leader-followers, .*not "leader"$/,
  );
  assert.match(
    await refusal('--strategy', 'reactor,reactor,reactor,reactor,reactor'),
    /4 models at most, not 5/,
  );
  assert.match(await refusal('--threads', '1,2,3'), /one for each of the 2 models, not "1,2,3"/);
  assert.match(await refusal('--threads', '0'), /^--threads /);
  assert.match(await refusal('--rate', '0'), /^--rate must be a whole number from 1 to 5000, not "0"$/);
  assert.match(await refusal('--seconds', '1.5'), /^--seconds must be a whole number from 1 to 600/);
  assert.match(await refusal('--port', '65536'), /^--port must be a whole number from 0 to 65535/);
  assert.match(await refusal('--mix', 'slow'), /^--mix must be one of: fast, blocking, .*; not "slow"$/);
  assert.match(await refusal('app.js', '--mix', 'cpu'), /^--mix names a load of the demo; --path says/);
  assert.match(await refusal('--path', 'report'), /^--path must be paths with weights/);
  assert.match(await refusal('--path', '/a@x y'), /^--path must be paths/);
  assert.match(await refusal('--path', '/a@0,/b@0'), /weight above 0/);
  assert.match(await refusal('--path', '/a,/b,/c,/d,/e'), /4 paths at most, not 5/);
  assert.match(await refusal('--path', '/a', '--mix', 'cpu'), /^--mix names a load of the demo; --path says/);
  assert.match(
    await refusal('--strategy', 'reactor,half-sync-half-async', '--threads', '1'),
    /^strategy half-sync-half-async needs 2 threads/,
  );
  assert.match(await refusal('--groups', '2'), /"--groups"; valid: paceline compare --help lists them$/);
  assert.match(await refusal('a.js', 'b.js'), /one APP only/);
});

test('its help fits into 80 columns and names every mix', async () => {
  assert.equal(await readArguments(['compare', '--help'], context), { action: 'compare-help' });
  const lines = compareHelpText().split('\n');
  for (const line of lines) assert.ok(line.length <= 80, line);
  for (const { name } of DEMO_MIXES)
    assert.ok(
      lines.some((line) => line.startsWith(`  ${name} `)),
      name,
    );
});

test('a comparison is no development, whatever its arguments are', () => {
  assert.equal(developmentLine(['compare', 'dev']), { isDevelopment: false, line: ['compare', 'dev'] });
});

test.run();
