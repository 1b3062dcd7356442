/**
 * The system may refuse to create a thread, at the start and for a replacement. The limit here is a real one; it does not apply to
 * root, so the server runs as another user.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const CHILD = fileURLToPath(new URL('../../fixtures/server/limited.js', import.meta.url));
const TIMEOUT_MS = 60_000;

/** A user with no other processes, as the limit counts the threads of all processes of a user. */
const user = 50_000 + (process.pid % 10_000);
const asUser = process.getuid!() === 0 ? ['setpriv', `--reuid=${user}`, '--clear-groups'] : [];

function run(what: 'start' | 'replace') {
  const [command, ...line] = [...asUser, process.execPath, CHILD, what];
  const { stdout, stderr, status } = spawnSync(command!, line, { encoding: 'utf8', timeout: TIMEOUT_MS });
  assert.is(status, 0, `${stdout}${stderr}`);
  return JSON.parse(stdout);
}

function hindrance(): string | undefined {
  const [command, ...line] = [...asUser, process.execPath, '--check', CHILD];
  const { status, error } = spawnSync(command!, line);
  return status === 0 ? undefined : `another user cannot run ${CHILD}: ${error?.message ?? `exit ${status}`}`;
}

const reason = hindrance();
if (reason !== undefined) console.log(`\nskipped: ${reason}`);
const spec = reason === undefined ? test : test.skip;

spec(
  'a start for which the system has too few threads fails with one line of advice, and leaves nothing',
  () => {
    const { error, connections } = run('start');
    assert.is(error.name, 'PacelineError');
    assert.is(error.code, 'PACELINE_THREAD_START');
    assert.match(
      error.message,
      /^the system did not allow to create thread \d \(.*EAGAIN.*\); raise .*ulimit -u.*fewer/,
    );
    assert.is(connections, 0);
  },
);

spec('a replacement that the system refuses is tried again, and the other threads go on meanwhile', () => {
  const { refusals, dead, answers, after } = run('replace');
  assert.ok(refusals >= 3);
  assert.is(dead, 1);
  assert.equal(answers, ['hello', 'hello', 'hello']);
  assert.is(after, 'hello');
});

test.run();
