/** How the command ends its process. */
import { setTimeout as delay } from 'node:timers/promises';
import { takeCoverage } from 'node:v8';

/** How long to wait for a pipe to take the output. A pipe without a reader never takes it. */
const PRINT_MS = 1000;

/** Resolves once all output has left the process, or after PRINT_MS without a reader. */
export async function allPrinted(): Promise<void> {
  const written = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => stream.write('', () => resolve()));
  const all = Promise.all([written(process.stdout), written(process.stderr)]);
  await Promise.race([all, delay(PRINT_MS, undefined, { ref: false })]);
}

/**
 * Ends the process now, whatever its threads do. process.exit() joins every worker first, so it waits for a thread that
 * is inside a system call, also one of a handler. _exit(2) waits for none.
 */
export async function exitAtOnce(code: number): Promise<never> {
  // Where libc cannot be loaded, no thread can be inside a system call of it.
  const { exitProcess } = await import('../sys/process.js').catch(() => process.exit(code));
  // process.exit() would write the coverage of a test run; _exit(2) does not.
  takeCoverage();
  return exitProcess(code);
}
