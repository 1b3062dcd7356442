/** Packages behind symbolic links, as package managers install them, while standard output is a pipe. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { within } from '../../support/server/wait.js';

const MAIN = resolve('dist/lib/cli/main.js');

test('an app imports a CommonJS package that is a link', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-linked-'));
  try {
    mkdirSync(join(folder, 'store/greeting'), { recursive: true });
    writeFileSync(join(folder, 'store/greeting/index.js'), "module.exports = () => 'hello';\n");
    symlinkSync(join(folder, 'store'), join(folder, 'node_modules'));
    writeFileSync(
      join(folder, 'app.mjs'),
      "import greeting from 'greeting';\nexport default { fetch: () => greeting() };\n",
    );
    const line = [MAIN, join(folder, 'app.mjs'), '--port', '0', '--threads', '2', '--dashboard', 'off'];
    const child = spawn(process.execPath, line, { stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      const url = await within(
        'the line that says where it listens',
        new Promise<string>((listening, failed) => {
          let printed = '';
          child.stderr.on('data', (text) => failed(new Error(String(text))));
          child.stdout.on('data', (text) => {
            printed += text;
            const found = /listening on (\S+)\n/.exec(printed);
            if (found !== null) listening(found[1]!);
          });
        }),
      );
      assert.is(await (await fetch(url)).text(), 'hello');
    } finally {
      child.kill('SIGKILL');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
