/**
 * Carries out a Dockerfile without Docker, as far as folders and commands go: each stage is a folder, paths of the image are paths below
 * it. Neither the base image nor the user is that of the image.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

interface Stage {
  readonly folder: string;
  workingDirectory: string;
  readonly environment: Record<string, string>;
}

/** What the image runs, and where. */
export interface Image {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
}

/** @param context the folder that the image is built from @param target a folder for the stages */
export function build(context: string, target: string): Image {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  let user: string | undefined;
  let command: string[] = [];
  let healthCheck: string[] = [];
  for (const [name, rest] of instructions(join(context, 'Dockerfile'))) {
    if (name === 'FROM') {
      const [, as] = / AS (\S+)$/.exec(rest) ?? [];
      stage = { folder: join(target, `${stages.size}`), workingDirectory: '/', environment: {} };
      mkdirSync(stage.folder);
      stages.set(as ?? '', stage);
      continue;
    }
    if (stage === undefined) throw new Error(`${name} before FROM`);
    const at = stage;
    const inside = (path: string) => join(at.folder, posix.resolve(at.workingDirectory, path));
    switch (name) {
      case 'WORKDIR':
        at.workingDirectory = rest;
        mkdirSync(inside('.'), { recursive: true });
        break;
      case 'ENV': {
        const [key, value] = rest.split('=');
        at.environment[key!] = value!;
        break;
      }
      case 'COPY':
        copy(rest.split(/\s+/), context, stages, inside);
        break;
      case 'RUN':
        execFileSync('/bin/sh', ['-c', rest], { cwd: inside('.'), stdio: 'pipe' });
        break;
      case 'USER':
        user = rest;
        break;
      case 'CMD':
        command = JSON.parse(rest) as string[];
        break;
      case 'HEALTHCHECK':
        healthCheck = JSON.parse(rest.replace(/^CMD /, '')) as string[];
        break;
      case 'EXPOSE':
        break;
      default:
        throw new Error(`the instruction ${name} is not known here`);
    }
  }
  const { folder, workingDirectory, environment } = stage!;
  return { folder: join(folder, workingDirectory), environment, user, command, healthCheck };
}

function instructions(file: string): [name: string, rest: string][] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const space = line.indexOf(' ');
      return [line.slice(0, space), line.slice(space + 1)];
    });
}

function copy(
  words: string[],
  context: string,
  stages: ReadonlyMap<string, Stage>,
  inside: (path: string) => string,
): void {
  const from = /^--from=(.+)$/.exec(words[0]!)?.[1];
  const root = from === undefined ? context : stages.get(from)!.folder;
  const [to, ...sources] = words.slice(from === undefined ? 0 : 1).reverse();
  const isFolder = to!.endsWith('/');
  for (const source of sources) {
    const target = isFolder ? join(inside(to!), posix.basename(source)) : inside(to!);
    cpSync(join(root, source), target, { recursive: true, verbatimSymlinks: true });
  }
}
