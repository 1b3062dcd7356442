/** The way out of the process that waits for nobody. */
import { func } from './libc.js';

const exitCall = func<(status: number) => never>('void _exit(int status)');

/**
 * Ends the process at once (_exit(2)). process.exit() joins every worker first, and so waits for a thread that is inside
 * a system call.
 */
export function exitProcess(status: number): never {
  return exitCall(status);
}
