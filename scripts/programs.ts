/**
 * Installs the programs of others (spec/programs) and runs their specs, which start each under Node and under Paceline and
 * compare the answers. Fails when any of them failed.
 *
 *   npm run programs -- [NAME …]
 *
 * NAME is a folder of spec/programs; default: all. They are installed into PACELINE_PROGRAMS, or into the user's cache folder.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, PROGRAMS, programNames } from '../spec/support/programs/install.js';

const TEST = fileURLToPath(new URL('./test.js', import.meta.url));
/** Not a program, but the clients that the specs drive the programs with. */
const CLIENTS = 'clients';
const CLIENT_SPEC = 'integration/node/clients';

const { env } = process;
const cache = resolve(
  env[PROGRAMS] ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'paceline-programs'),
);
const all = programNames();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`programs: there is no ${unknown.join(', ')}; there are ${all.join(', ')}`);
  process.exit(2);
}

mkdirSync(cache, { recursive: true });
for (const name of new Set([CLIENTS, ...wanted])) {
  const startMs = performance.now();
  await install(cache, name);
  console.log(`installed ${name} in ${Math.round((performance.now() - startMs) / 1000)} s`);
}
const specs = wanted.map((name) => (name === CLIENTS ? CLIENT_SPEC : `integration/programs/${name}`));
const child = spawn(process.execPath, [TEST, ...specs], {
  stdio: 'inherit',
  env: { ...env, [PROGRAMS]: cache },
});
child.once('close', (code) => {
  process.exitCode = code ?? 1;
});
