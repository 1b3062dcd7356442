/** The ways out of the process. */
import { setTimeout as delay } from 'node:timers/promises';
import { takeCoverage } from 'node:v8';

/** How long a pipe has to take what was printed. One that nobody reads never does. */
const PRINT_MS = 1000;

/** Resolves once everything that was printed has left the process, or nobody has read it for too long. */
export async function allPrinted(): Promise<void> {
  const written = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => stream.write('', () => resolve()));
  const all = Promise.all([written(process.stdout), written(process.stderr)]);
  await Promise.race([all, delay(PRINT_MS, undefined, { ref: false })]);
}

/**
 * Ends the process now, whatever its threads do. process.exit() joins every worker first, and so waits for a thread
 * that is inside a system call, or in a handler that is; _exit(2) asks nobody.
 */
export async function exitAtOnce(code: number): Promise<never> {
  // Where libc cannot be loaded, no thread can be inside a system call of it.
  const { exitProcess } = await import('../sys/process.js').catch(() => process.exit(code));
  // Node would write the coverage of a test run at its own exit.
  takeCoverage();
  return exitProcess(code);
}
