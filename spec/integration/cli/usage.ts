import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const MAIN = 'dist/lib/cli/main.js';

const paceline = (...line: string[]) => spawnSync(process.execPath, [MAIN, ...line], { encoding: 'utf8' });

test('a usage error exits 2 with one line on standard error and nothing else', () => {
  for (const line of [
    ['--bogus'],
    ['--port', 'abc'],
    ['--threads', '0'],
    ['--strategy', 'round-robin'],
    ['--strategy', 'simulated-proactor', '--threads', '1'],
    ['--config', 'no-such-file.json'],
    ['--keep-alive-timeout', '5s'],
    ['--max-body-size', '-1'],
    ['one.js', 'two.js'],
    ['--host', 'line\nbreak', '--port', 'x\ny'],
  ]) {
    const { status, stdout, stderr } = paceline(...line);
    assert.is(status, 2, `${line.join(' ')}: ${stderr}`);
    assert.is(stdout, '');
    assert.match(stderr, /^paceline: [^\n]+\n$/);
  }
});

test('--help names every option of the contract and exits 0', () => {
  const { status, stdout, stderr } = paceline('--help');
  assert.is(status, 0);
  assert.is(stderr, '');
  const options = [
    '-p, --port N',
    '-H, --host ADDR',
    '-t, --threads N',
    '--groups N',
    '--strategy',
    '--dashboard',
    '--config',
  ];
  const ofServers = [
    '--max-body-size BYTES',
    '--max-connections N',
    '--keep-alive-timeout MS',
    '--send-timeout MS',
  ];
  const others = ['--log-level', '--log-format', '--help', '--version', 'MIN:MAX', '$PORT', '$HOST'];
  assert.match(stdout.split('\n\n')[0]!, 'Leader/Followers');
  assert.match(stdout.split('\n\n')[0]!, '--strategy', 'it is one of several models');
  for (const option of [...options, ...ofServers, ...others]) assert.ok(stdout.includes(option), option);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, `too wide: ${line}`);
  // Two spaces at least are between an option and its description.
  for (const line of stdout.match(/^ +-.*/gm)!) assert.match(line, /^.{33}( {2}|$)|^.{34,}$/, line);
});

test('--version prints the version of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const { status, stdout, stderr } = paceline('--version');
  assert.equal([status, stdout, stderr], [0, `${version}\n`, '']);
});

test('a reader that has left is no error', async () => {
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  assert.equal([code, stderr], [0, '']);
});

test.run();
