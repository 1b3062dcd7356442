/**
 * The Dockerfile of docs/examples/docker: its steps, carried out in empty folders with the package as it is packed, and its command as
 * process 1 of a PID namespace. The image itself is not built: that takes Docker and the base image.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build, type Image } from '../../support/docs/dockerfile.js';
import { until, within } from '../../support/server/wait.js';

const EXAMPLE = resolve('docs/examples/docker');
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
/** A PID namespace of its own, whose first process is the command. */
const UNSHARE = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'];

const folder = mkdtempSync(join(tmpdir(), 'paceline-docker-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** The context of the build: the example, with the package as `npm pack` makes it in place of the one of the registry. */
function context(): string {
  const path = join(folder, 'context');
  cpSync(EXAMPLE, path, { recursive: true, filter: (file) => !file.includes('node_modules') });
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { stdio: 'ignore' });
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  assert.equal(Object.keys(manifest.dependencies), ['paceline']);
  manifest.dependencies.paceline = `file:${join(folder, `paceline-${version}.tgz`)}`;
  writeFileSync(join(path, 'package.json'), JSON.stringify(manifest));
  execFileSync('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], {
    cwd: path,
    stdio: 'pipe',
  });
  return path;
}

function buildImage(): Image | null {
  const stages = join(folder, 'stages');
  mkdirSync(stages);
  try {
    return build(context(), stages);
  } catch (error) {
    const text = `${(error as { stderr?: unknown }).stderr ?? ''}`;
    if (!/\b(EAI_AGAIN|ENOTFOUND|ENETUNREACH|ECONNREFUSED|ECONNRESET|ETIMEDOUT)\b/.test(text)) throw error;
    return null;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const image = buildImage();
const hasNamespaces = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;
if (image === null)
  console.log('skipped: the packages of the image cannot be installed, because the registry is out of reach');
if (!hasNamespaces)
  console.log('skipped: the command is not tried as process 1, because this system allows no namespaces');
const check = image === null ? test.skip : test;
const checkInNamespace = image === null || !hasNamespaces ? test.skip : test;

test('the image has a user of its own, and starts the server itself', () => {
  const lines = readFileSync(join(EXAMPLE, 'Dockerfile'), 'utf8').split('\n');
  assert.ok(lines.includes('USER node'));
  assert.not.ok(lines.some((line) => /^(CMD|ENTRYPOINT)\b.*\b(npx|npm|sh)\b/.test(line)));
});

check('the example passes its own test, without a server', () => {
  // In the context, which has the tests; in the image there are none.
  const options = { cwd: join(folder, 'context'), encoding: 'utf8' } as const;
  const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap'], options);
  assert.is(status, 0, stdout);
  assert.match(stdout, /^# pass 2$/m);
});

class Container {
  readonly #child: ChildProcess;
  output = '';

  constructor({ folder: cwd, command }: Image, environment: NodeJS.ProcessEnv) {
    this.#child = spawn('unshare', [...UNSHARE, ...command], {
      cwd,
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  /** The number, outside of the namespace, of its process 1. */
  get #server(): number {
    const { pid } = this.#child;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
  }

  async stop(): Promise<unknown[]> {
    const ended = once(this.#child, 'close');
    assert.match(readFileSync(`/proc/${this.#server}/status`, 'utf8'), /^NSpid:.*\t1$/m);
    process.kill(this.#server, 'SIGTERM');
    return within('its end', ended).finally(() => this.#child.kill('SIGKILL'));
  }
}

checkInNamespace(
  'as process 1 it serves, is healthy, and ends at SIGTERM with the hooks of its threads',
  async () => {
    const port = await freePort();
    const environment = {
      ...image!.environment,
      HOST: '127.0.0.1',
      PORT: `${port}`,
      PACELINE_DASHBOARD: `127.0.0.1:${await freePort()}`,
      PACELINE_THREADS: '2',
    };
    assert.is(image!.user, 'node');
    const container = new Container(image!, environment);
    await until('it listens', () => /paceline: listening on/.test(container.output));
    const url = `http://127.0.0.1:${port}/hashes`;
    const answer = (await (await fetch(url, { method: 'POST', body: 'correct horse' })).json()) as {
      hash: string;
    };
    assert.match(answer.hash, /^[0-9a-f]{128}$/);
    const [program, ...line] = image!.healthCheck;
    assert.is(program, 'node');
    const health = () => {
      const child = spawn(process.execPath, line, { env: environment, stdio: 'ignore' });
      return within('the health check', once(child, 'close'));
    };
    assert.equal(await health(), [0, null]);
    assert.equal(await container.stop(), [0, null], container.output);
    assert.match(container.output, /^thread 0: closed$/m);
    assert.match(container.output, /^thread 1: closed$/m);
    assert.equal(await health(), [1, null], 'nobody answers any more');
  },
);

test.run();
