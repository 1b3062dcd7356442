// Load by the client in C (c/client.c), for what wrk cannot do.

import { cProgram } from './c-programs.js';
import { runCommand } from './children.js';
import type { Figures } from './figures.js';
import { costOfRequests } from './load.js';
import { takeSnapshot } from './process-stats.js';
import type { Server } from './targets.js';

/** What the client prints. */
interface Report {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
}

/** Beyond the measuring, for the sort of all latencies on a busy machine. */
const GRACE_MS = 10_000;

/** Echoes, or requests on a connection each, in a closed loop; and what that costs the server. */
export async function loadWithCClient(
  { pid, port }: Server,
  mode: 'echo' | 'connect',
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Figures> {
  const before = takeSnapshot(pid);
  const args = [mode, `${port}`, `${connections}`, `${seconds}`];
  const output = await runCommand(cProgram('client'), args, seconds * 1000 + GRACE_MS);
  const report = JSON.parse(output) as Report;
  return {
    requestsPerSecond: report.requests / report.seconds,
    p50Ms: report.p50Us / 1000,
    p99Ms: report.p99Us / 1000,
    errors: report.errors,
    ...costOfRequests(pid, before, report.requests),
  };
}
