// The command line of each target.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cProgram } from './c-programs.js';
import { temporaryDirectory } from './children.js';
import { filesFolder } from './files-folder.js';
import { nginxConfig } from './nginx-config.js';
import type { Peers } from './peers.js';
import { FILES_VARIABLE } from './servers/files-variable.js';
import { appOf, FEW_DESCRIPTORS, SERVER_FILES, type Setup, WITH_DASHBOARD } from './setups.js';
import { PACELINE, type Target, TCP_RUNTIMES } from './targets.js';
import { findNginx } from './tools.js';

type Command = [string, ...string[]];

/** Whether a target is told its port; the others print the one that they took. */
export function takesPort({ kind }: Target, setup: Setup): boolean {
  return (
    kind === 'nginx' || (kind === 'deno' && setup !== 'echo') || (kind === 'paceline' && setup !== 'held')
  );
}

/**
 * The command that starts a target.
 *
 * @param port for one that takes a port
 * @throws Error for a setup that the target does not serve
 */
export function commandOf(target: Target, setup: Setup, peers: Peers, port: number): Command {
  if (setup === 'echo') return echoCommand(target, peers, port);
  if (setup !== 'files' || target.kind === 'paceline') return httpCommand(target, setup, peers, port);
  const command = httpCommand(target, setup, peers, port);
  return ['env', `${FILES_VARIABLE}=${filesFolder()}`, ...command];
}

function httpCommand(target: Target, setup: Setup, peers: Peers, port: number): Command {
  const { kind, workers } = target;
  const app = appOf(setup);
  const file = SERVER_FILES[setup];
  switch (kind) {
    case 'paceline':
      if (setup === 'held') return heldCommand(target, app);
      return pacelineCommand(setup === 'files' ? filesFolder() : serverFile(app), target, setup, port);
    case 'paceline-file':
      if (!file) throw new Error(`${kind} serves apps of node:http only`);
      return pacelineCommand(serverFile(file), target, setup, 0);
    case 'cluster': {
      const [program, served] = file ? ['cluster-file', file] : ['cluster-server', app];
      return [process.execPath, serverFile(program), served, `${workers}`];
    }
    case 'fastify':
      return [process.execPath, serverFile('fastify-server'), `${workers}`];
    case 'http':
      return [process.execPath, ...(file ? [serverFile(file)] : [serverFile('http-server'), app])];
    case 'piscina':
      return [process.execPath, serverFile('piscina-server'), peers.piscina!, `${workers}`];
    case 'bun':
      return [peers.bun!, serverFile('bun-server'), app, `${workers}`];
    case 'deno':
      return denoCommand(peers.deno!, app, workers, port);
    case 'floor-c':
      return [cProgram('floor'), `${workers}`, 'http'];
    case 'floor-node':
      return [process.execPath, serverFile('floor-node'), `${workers}`];
    case 'nginx': {
      const prefix = temporaryDirectory();
      const folder = setup === 'files' ? filesFolder() : undefined;
      writeFileSync(join(prefix, 'nginx.conf'), nginxConfig(workers, port, folder));
      return [findNginx()!, '-p', prefix, '-c', 'nginx.conf', '-e', 'stderr'];
    }
  }
}

function echoCommand(target: Target, peers: Peers, port: number): Command {
  const { kind, workers } = target;
  if (!TCP_RUNTIMES.includes(kind)) throw new Error(`${kind} serves no raw TCP here`);
  if (kind === 'paceline') return pacelineCommand(serverFile('echo-app'), target, 'echo', port);
  if (kind === 'floor-c') return [cProgram('floor'), `${workers}`, 'echo'];
  if (kind === 'bun') return [peers.bun!, serverFile('echo-bun'), `${workers}`];
  if (kind === 'deno')
    return [peers.deno!, 'run', '--no-lock', '-A', '--unstable-net', serverFile('echo-deno'), `${workers}`];
  return [process.execPath, serverFile('echo-server'), `${workers}`];
}

/** `deno serve` has a thread for each job; without --parallel there is one. */
function denoCommand(deno: string, app: string, threads: number, port: number): Command {
  const many = threads > 1 ? ['--parallel'] : [];
  const address = ['--host', '127.0.0.1', '--port', `${port}`];
  return [
    'env',
    `DENO_JOBS=${threads}`,
    deno,
    'serve',
    '--no-lock',
    '-A',
    ...many,
    ...address,
    serverFile(app),
  ];
}

function heldCommand({ workers, strategy }: Target, app: string): Command {
  const named = strategy === undefined ? [] : [strategy];
  return [process.execPath, serverFile('paceline-server'), `${workers}`, app, ...named];
}

function pacelineCommand(served: string, { workers, strategy }: Target, setup: Setup, port: number): Command {
  const limit = `--nofile=${FEW_DESCRIPTORS}:${FEW_DESCRIPTORS}`;
  const few = setup === 'few-descriptors';
  return [
    few ? 'prlimit' : process.execPath,
    ...(few ? [limit, process.execPath] : []),
    PACELINE,
    served,
    '--port',
    `${port}`,
    '--threads',
    `${workers}`,
    ...(strategy === undefined ? [] : ['--strategy', strategy]),
    '--dashboard',
    WITH_DASHBOARD.includes(setup) ? '127.0.0.1:0' : 'off',
  ];
}

function serverFile(name: string): string {
  return fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url));
}
