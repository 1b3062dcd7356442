// Processes that share a port by SO_REUSEPORT, as runtimes have them that have no node:cluster of their own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Listens in this process, and in the others of the same program. Its arguments end with the number of processes, and in one that
 * was started by another with the port in addition. The first process prints the address once all of them listen.
 *
 * @param listen listens on a port, 0 for a free one. @returns the port
 * @param options of the runtime, in front of the program
 */
export async function shareOut(
  scheme: 'http' | 'tcp',
  listen: (port: number) => Promise<number>,
  options: readonly string[] = [],
): Promise<void> {
  const [program, ...args] = process.argv.slice(1);
  const sharedPort = process.env.PACELINE_BENCH_PORT;
  const processes = Number(args.at(-1));
  const port = await listen(Number(sharedPort ?? 0));
  for (let others = processes - 1; others > 0 && sharedPort === undefined; others -= 1) {
    const other = spawn(process.execPath, [...options, program!, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PACELINE_BENCH_PORT: `${port}` },
    });
    await once(other.stdout, 'data');
  }
  console.log(`listening on ${scheme}://127.0.0.1:${port}`);
}
