/** What the README says of debuggers and profiles, as a reader does it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { forgetSettings } from '../../support/cli/run.js';
import { Inspector } from '../../support/docs/inspector.js';
import { until, within } from '../../support/server/wait.js';

const MAIN = resolve('dist/lib/cli/main.js');
const THREADS = 2;

const APP = `import { pbkdf2Sync } from 'node:crypto';

function hashSlowly() {
  return pbkdf2Sync('secret', 'salt', 300_000, 32, 'sha256').toString('hex');
}

export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    const answer = 'went on';
    if (pathname === '/debug') debugger;
    return pathname === '/hash' ? hashSlowly() : answer;
  },
};
`;

let folder = '';

test.before(() => {
  forgetSettings();
  folder = mkdtempSync(join(tmpdir(), 'paceline-debugging-'));
  writeFileSync(join(folder, 'app.mjs'), APP);
});
test.after(() => rmSync(folder, { recursive: true }));

class Server implements AsyncDisposable {
  readonly #child: ChildProcess;
  output = '';

  /** @param flags of node */
  constructor(...flags: string[]) {
    const line = [...flags, MAIN, 'app.mjs', '--port', '0', '--threads', `${THREADS}`, '--dashboard', 'off'];
    this.#child = spawn(process.execPath, line, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  async printed(pattern: RegExp): Promise<string> {
    await until(`it prints ${pattern}`, () => pattern.test(this.output));
    return pattern.exec(this.output)![1]!;
  }

  url = (): Promise<string> => this.printed(/paceline: listening on (\S+)/);

  async ends(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    assert.equal(await within('its end', ended), [0, null], this.output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const get = async (url: string): Promise<string> => (await fetch(url)).text();

test('while one thread stands at a breakpoint the other one answers', async () => {
  await using server = new Server('--inspect=127.0.0.1:0');
  const url = await server.url();
  {
    await using inspector = await Inspector.attach(
      await server.printed(/Debugger listening on (\S+)/),
      THREADS,
    );
    const debugged = get(`${url}/debug`);
    await until('a thread stands there', () => inspector.paused.length === 1);
    for (let count = 0; count < 100; count++) assert.is(await get(url), 'went on');
    const [paused] = inspector.paused;
    const session = inspector.threads.get(paused!)!;
    const stop = session.events.find(({ method }) => method === 'Debugger.paused')!;
    const [frame] = stop.params!.callFrames as { functionName: string; callFrameId: string }[];
    assert.is(frame!.functionName, 'fetch');
    const { result } = (await session.call('Debugger.evaluateOnCallFrame', {
      callFrameId: frame!.callFrameId,
      expression: 'answer',
    })) as { result: { value: string } };
    assert.is(result.value, 'went on');
    await session.call('Debugger.resume');
    assert.is(await debugged, 'went on');
  }
  await server.ends();
});

interface Profile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string } }[];
  readonly samples: readonly number[];
}

test('--cpu-prof writes a profile for each thread, in which the slow function is', async () => {
  await using server = new Server('--cpu-prof', '--cpu-prof-dir=profiles');
  const url = await server.url();
  await get(`${url}/hash`);
  await server.ends();
  const files = readdirSync(join(folder, 'profiles')).sort();
  // CPU.DATE.TIME.PID.THREAD.SEQUENCE.cpuprofile
  const threads = files.map((file) => /^CPU\.\d+\.\d+\.\d+\.(\d+)\.\d+\.cpuprofile$/.exec(file)![1]);
  assert.equal(threads.filter((thread) => thread !== '0').sort(), ['1', '2']);
  const slow = files.filter((file) => {
    const { nodes } = JSON.parse(readFileSync(join(folder, 'profiles', file), 'utf8')) as Profile;
    return nodes.some(
      ({ callFrame: { functionName, url: module } }) =>
        functionName === 'hashSlowly' && module.endsWith('/app.mjs'),
    );
  });
  assert.is(slow.length, 1);
});

test.run();
