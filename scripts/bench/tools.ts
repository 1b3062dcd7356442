// External commands of the benchmark.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A command that generates load, or compiles what does. */
export type Tool = 'wrk' | 'slowhttptest' | 'gcc';

/** The message where a tool is not installed. */
export const TOOL_HINTS: Readonly<Record<Tool, string>> = {
  wrk: 'wrk was not found on PATH: get it with "apt-get install wrk" (Debian, Ubuntu) or from https://github.com/wg/wrk',
  slowhttptest:
    'slowhttptest was not found on PATH: get it with "apt-get install slowhttptest" (Debian, Ubuntu) or from https://github.com/shekyan/slowhttptest',
  gcc: 'gcc was not found on PATH, which compiles the client: get it with "apt-get install gcc libc6-dev" (Debian, Ubuntu)',
};

/** The file of a command on PATH. */
export function onPath(command: string): string | undefined {
  return executable((process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, command)));
}

/** The file of nginx; Debian installs it in a directory that is only on root's PATH. */
export function findNginx(): string | undefined {
  return onPath('nginx') ?? executable(['/usr/sbin/nginx']);
}

function executable(files: readonly string[]): string | undefined {
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
