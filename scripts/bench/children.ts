// The child processes and directories of a run, and their removal. Each child leads a process group of its own, so that
// one signal also ends the workers of node:cluster and of nginx; nothing outlives the run, however it ends.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const children = new Set<ChildProcess>();
const directories: string[] = [];

/** How much of a child's output is kept, in characters: enough for a report of wrk or the reason of a failed start. */
const OUTPUT_LIMIT = 64 * 1024;

/** How long servers may take to exit by themselves at the end of a run, in milliseconds. */
const END_LIMIT_MS = 2000;

/** Kills all children and removes all directories at the process's exit, for errors and signals too. */
export function cleanUpAtExit(): void {
  process.on('exit', () => {
    for (const child of children) signalGroup(child, 'SIGKILL');
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code));
  }
}

/** Spawns a child that is killed at the end of the run. */
export function startChild(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  children.add(child);
  return child;
}

/** Kills a child and all of its group, and waits until it is gone. */
export async function stopChild(child: ChildProcess): Promise<void> {
  const exit = isGone(child) ? undefined : once(child, 'exit');
  signalGroup(child, 'SIGKILL');
  await exit;
  children.delete(child);
}

/** Terminates all children, and kills those that take longer than {@link END_LIMIT_MS}. */
export async function endChildren(): Promise<void> {
  const end = async (child: ChildProcess) => {
    const exit = once(child, 'exit');
    signalGroup(child, 'SIGTERM');
    await Promise.race([exit, delay(END_LIMIT_MS)]);
    await stopChild(child);
  };
  await Promise.all([...children].map((child) => (isGone(child) ? stopChild(child) : end(child))));
}

/**
 * Runs a command to its end and returns its standard output and error together.
 * @throws when it cannot be started or takes longer than `timeoutMs`
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const child = startChild(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collectOutput(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    signalGroup(child, 'SIGKILL');
  }, timeoutMs);
  try {
    await once(child, 'close');
  } finally {
    clearTimeout(timer);
    await stopChild(child);
  }
  if (late) throw new Error(`${command} did not finish in ${timeoutMs} ms`);
  return output();
}

/** Keeps reading a child's output; returns a function that gives its first {@link OUTPUT_LIMIT} characters so far. */
export function collectOutput(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < OUTPUT_LIMIT) text += chunk;
    });
  }
  return () => text;
}

/** A new directory that is removed with the run. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'paceline-bench-'));
  directories.push(directory);
  return directory;
}

/** Whether a child has ended or never started. */
export function isGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
