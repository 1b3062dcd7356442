/** The bundle in dist/bundle, which is what the package runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const { bin } = createRequire(import.meta.url)('paceline/package.json') as { bin: { paceline: string } };
const APP = fileURLToPath(new URL('../../fixtures/package/files-app.js', import.meta.url));

/** The command, until it has printed the URLs of the server and of its dashboard. */
class Command implements AsyncDisposable {
  readonly #child;
  #output = '';

  constructor(...args: string[]) {
    this.#child = spawn(process.execPath, [bin.paceline, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
  }

  async urls(): Promise<{ server: string; dashboard: string }> {
    for (;;) {
      const server = /listening on (\S+)\n/.exec(this.#output)?.[1];
      const dashboard = /dashboard at ([^#\s]+)\S*\n/.exec(this.#output)?.[1];
      if (server !== undefined && dashboard !== undefined) return { server, dashboard };
      await once(this.#child.stdout, 'data');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

test('the command serves an app that imports the package, with the dashboard', async () => {
  await using command = new Command(APP, '--port', '0', '--dashboard', '127.0.0.1:0', '--threads', '2');
  const { server, dashboard } = await command.urls();
  assert.is(await (await fetch(`${server}/own`)).text(), 'own');
  const file = await fetch(`${server}/files-app.js`);
  assert.is(file.status, 200);
  assert.is(await file.text(), readFileSync(APP, 'utf8'));
  for (const path of ['', 'protocol.js', 'page/main.js', 'page/style.css', 'healthz']) {
    const answer = await fetch(new URL(path, dashboard));
    assert.is(answer.status, 200, path);
    await answer.arrayBuffer();
  }
});

test('the demo and a directory are served', async () => {
  for (const [app, path] of [
    ['demo', '/hello'],
    ['.', '/package.json'],
  ] as const) {
    await using command = new Command(
      ...(app === 'demo' ? [] : [app]),
      '--port',
      '0',
      '--dashboard',
      '127.0.0.1:0',
    );
    const { server } = await command.urls();
    const answer = await fetch(server + path);
    assert.is(answer.status, 200, path);
    await answer.arrayBuffer();
  }
});

/** The file and all that it imports, by path or by name. */
function importedBy(file: string, found = new Set<string>()): Set<string> {
  found.add(file);
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/^(?:import|\} from) .*?"([^"]+)";$/gm)) {
    const path = name!.startsWith('.') ? resolve(dirname(file), name!) : name!;
    if (found.has(path)) continue;
    if (name!.startsWith('.')) importedBy(path, found);
    else found.add(path);
  }
  return found;
}

test('a thread imports a few files, and nothing else but node:module', () => {
  const imported = [...importedBy(resolve('dist/bundle/thread/worker.js'))];
  const files = imported.filter((name) => name.startsWith('/'));
  assert.ok(files.length > 1 && files.length <= 30, `${files.length} files`);
  assert.equal(
    imported.filter((name) => !name.startsWith('/')),
    ['node:module'],
  );
});

test.run();
