/** The process: its limit of open files, and an exit that waits for no thread. */
import { readdirSync, readFileSync } from 'node:fs';
import { func } from './libc.js';

const exitCall = func<(status: number) => never>('void _exit(int status)');

/**
 * Ends the process at once (_exit(2)). process.exit() joins every worker first, and so waits for a thread that is inside
 * a system call.
 */
export function exitProcess(status: number): never {
  return exitCall(status);
}

/** The soft limit of open files (getrlimit(2)); Node raises it to the hard limit when it starts. Infinity for none. */
export function openFilesLimit(): number {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return line === null || line[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line[1]);
}

/** How many descriptors are open; undefined if there is none left to list them with. */
export function openFiles(): number | undefined {
  try {
    // One of them belongs to the listing itself.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}
