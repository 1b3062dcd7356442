import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const LOG = new URL('../../../lib/cli/log.js', import.meta.url);
/** Some megabytes: far more than a pipe and its reader hold. */
const LINES = 5000;

const PROGRAM = `
  import { createLogger } from ${JSON.stringify(LOG.href)};
  const logger = createLogger({ level: 'info', format: 'json' });
  for (let line = 0; line < ${LINES}; line++) logger.info('a line', { long: 'x'.repeat(1000) });
  process.stdout.write('logged');
`;

test('lines that a log left out because nobody read it are counted in it', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  await once(child.stdout, 'data');
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  assert.equal(await once(child, 'close'), [0, null]);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; lines?: number });
  const written = lines.filter(({ msg }) => msg === 'a line').length;
  const missing = lines.reduce((sum, { lines: some = 0 }) => sum + some, 0);
  assert.ok(missing > 0);
  assert.is(written + missing, LINES);
});

test.run();
