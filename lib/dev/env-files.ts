/**
 * The files of variables that Node.js was given (`--env-file`). Node.js gives a variable that is set already precedence over them, so a
 * child must not inherit what this process has from an earlier version of a file.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const OPTION = /^--env-file(?:-if-exists)?(?:=(.*))?$/s;

/** The paths, from options of Node.js such as process.execArgv. */
export function envFiles(nodeOptions: readonly string[], directory: string): string[] {
  return nodeOptions.flatMap((option, index) => {
    const match = OPTION.exec(option);
    if (match === null) return [];
    const path = match[1] ?? nodeOptions[index + 1];
    return path ? [resolve(directory, path)] : [];
  });
}

/** The variables with which this process was started (proc_pid_environ(5)), with what it has set itself; without those of files. */
export function environmentWithoutFiles(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const started = startedWith();
  if (started === null) return environment;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => started.has(name)));
}

function startedWith(): ReadonlySet<string> | null {
  try {
    const text = readFileSync('/proc/self/environ', 'utf8');
    return new Set(text.split('\0').map((line) => line.slice(0, line.indexOf('='))));
  } catch {
    return null;
  }
}
