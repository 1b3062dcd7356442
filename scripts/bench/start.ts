// Starts a target.

import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { answersRightly } from './answers.js';
import { collectOutput, startChild, stopChild } from './children.js';
import { commandOf, takesPort } from './commands.js';
import type { Peers } from './peers.js';
import { settled } from './process-stats.js';
import { type Setup, WITH_DASHBOARD } from './setups.js';
import { RUNTIMES, type Server, type Target } from './targets.js';

const START_LIMIT_MS = 30_000;
/** Between two looks whether it answers. */
const LOOK_MS = 5;

/**
 * Starts a target on a free port of the loopback interface and waits until it answers correctly, and all its threads or processes
 * have started.
 * @throws when it does not within {@link START_LIMIT_MS}
 */
export async function start(target: Target, setup: Setup, peers: Peers = {}): Promise<Server> {
  // Paceline answers before it says where it listens.
  const port = takesPort(target, setup) ? await freePort() : undefined;
  const [command, ...args] = commandOf(target, setup, peers, port ?? 0);
  const startedMs = performance.now();
  const child = startChild(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collectOutput(child);
  const end = Date.now() + START_LIMIT_MS;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  while (Date.now() < end && !failure && child.exitCode === null && child.signalCode === null) {
    const listeningPort =
      port ?? Number(/listening on (?:http|tcp):\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1] ?? 0);
    if (child.pid && listeningPort && (await answersRightly(listeningPort, setup))) {
      const firstAnswerMs = performance.now() - startedMs;
      const dashboard = /dashboard at (http:\S+)/.exec(output())?.[1];
      // The dashboard's line follows that of the port.
      if (WITH_DASHBOARD.includes(setup) && dashboard === undefined) continue;
      const runtime = runtimeOf(target, peers);
      // It may answer long before all of them can.
      await settled(child.pid);
      return { target, child, pid: child.pid, port: listeningPort, firstAnswerMs, dashboard, runtime };
    }
    await delay(LOOK_MS);
  }
  await stopChild(child);
  throw new Error(
    `${target.name} did not start: ${failure?.message ?? (output().trim() || 'it does not answer')}`,
  );
}

/** Deno has none here: it does not run a file of Node's without options. */
function runtimeOf({ kind }: Target, { bun }: Peers): string | undefined {
  if (!RUNTIMES.includes(kind) || kind === 'deno') return undefined;
  return kind === 'bun' ? bun : process.execPath;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
