/**
 * The process under test: two servers, one with a fetch app and one with a TCP app, whose threads start with thread-entry.ts.
 * It carries out what the campaign asks, and reports its status.
 */
import { syncBuiltinESMExports } from 'node:module';
import workerThreads, { type Worker, type WorkerOptions } from 'node:worker_threads';
import type { Logger } from '../../lib/logger.js';
import type { ThreadInfo, Transition } from '../../lib/observe/observation.js';
import { createServer, type Server } from '../../lib/server.js';
import { WORKER_URL } from '../../lib/thread/entry-url.js';
import { Barriers } from '../campaign/barrier.js';
import { answerCampaign } from '../campaign/child.js';
import { descriptorsOf } from '../campaign/descriptors.js';
import { Failpoints } from './failpoints.js';
import type { Answer, Question, ServerName, Setup, Status, TargetServerStatus } from './messages.js';

const ENTRY = new URL('./thread-entry.js', import.meta.url);
/** How many of the last lines of the log are kept. */
const LOG_LINES = 40;

/** The transitions of set/thread-state.ts, and the deaths that are possible in each state. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  starting: ['follower', 'dead'],
  follower: ['leader', 'processing', 'dead'],
  // It yields to a host.
  leader: ['processing', 'follower', 'dead'],
  processing: ['leader', 'follower', 'dead'],
  dead: ['starting'],
};

Barriers.create();
const failpoints = Failpoints.create();
const workers: Worker[] = [];
let terminated = 0;

/** Makes every thread that lib starts begin with the campaign's entry, and keeps track of it. */
function instrumentThreads(): void {
  const Original = workerThreads.Worker;
  workerThreads.Worker = class extends Original {
    constructor(entry: string | URL, options?: WorkerOptions) {
      const isThread = String(entry) === WORKER_URL.href;
      super(isThread ? ENTRY : entry, options);
      if (!isThread) return;
      workers.push(this);
      this.on('exit', () => {
        workers.splice(workers.indexOf(this), 1);
      });
    }
  };
  syncBuiltinESMExports();
}

/** One server, and what it has reported. */
class TargetServer {
  readonly server: Server;
  readonly #violations: string[] = [];
  readonly #states = new Map<number, string>();
  #deaths = 0;
  #lost = 0;

  constructor(name: ServerName, setup: Setup) {
    const { handled, errorHandler, blocking, root, strategy, threads, options } = setup;
    const app = new URL(`./${name}-app.js`, import.meta.url);
    app.searchParams.set('root', root);
    if (handled) app.searchParams.set('handled', '');
    if (errorHandler) app.searchParams.set('error', '');
    if (blocking) app.searchParams.set('blocking', '');
    const dashboard = name === 'web' ? options.dashboard : false;
    this.server = createServer({ ...options, dashboard, app, strategy, threads, logger: logOf(name) });
    this.server.on('threadExit', ({ thread, exitCode, error, connectionsLost }) => {
      this.#deaths++;
      this.#lost += connectionsLost;
      keep(`${name}: thread ${thread} ended with ${exitCode}, ${connectionsLost} lost, ${firstLine(error)}`);
    });
    this.server.on('error', (error) => {
      // The campaign itself makes threads die again and again.
      if (error.code !== 'PACELINE_THREAD_LOOP') this.#violations.push(`the server reports ${error.stack}`);
    });
    if (setup.transitions) this.server.on('transition', (transition) => this.#checkTransition(transition));
  }

  #checkTransition({ thread, from, to }: Transition): void {
    this.#states.set(thread, to);
    if (!CHANGES[from]?.includes(to)) this.#violations.push(`thread ${thread} went from ${from} to ${to}`);
  }

  status(): TargetServerStatus {
    const threads: ThreadInfo[] = this.server.threads();
    return {
      threads,
      connections: this.server.connections,
      blocks: this.server.pool()?.current ?? 0,
      deaths: this.#deaths,
      lost: this.#lost,
      violations: this.#violations,
    };
  }
}

const log: string[] = [];
function keep(line: string): void {
  log.push(line);
  if (log.length > LOG_LINES) log.shift();
}

function logOf(name: ServerName): Logger {
  const at = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    keep(`${name}: ${level}: ${message}: ${firstLine(fields?.error)}`);
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: () => {} };
}

function firstLine(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
      .split('\n')[0]!
      .slice(0, 200);
  } catch {
    return 'an error without a message';
  }
}

/** Sockets and pipes lose their numbers, so that kinds are compared and not instances. */
function descriptors(): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const link of descriptorsOf('self').values()) {
    const kind = link.replace(/:\[\d+\]$/, '');
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

const servers = new Map<ServerName, TargetServer>();

const portOf = (name: ServerName): number => (servers.get(name)!.server.address() as { port: number }).port;

async function start(setup: Setup): Promise<Answer> {
  for (const name of ['web', 'tcp'] as const) {
    const target = new TargetServer(name, setup);
    servers.set(name, target);
    await target.server.listen({ host: setup.host, port: 0 });
  }
  const dashboard = servers.get('web')!.server.dashboard?.port ?? null;
  return { web: portOf('web'), tcp: portOf('tcp'), dashboard };
}

function status(): Status {
  return {
    servers: { web: servers.get('web')!.status(), tcp: servers.get('tcp')!.status() },
    descriptors: descriptors(),
    residentBytes: process.memoryUsage.rss(),
    stepDeaths: failpoints.deaths(),
    terminated,
    passed: failpoints.passed(),
    log,
  };
}

/** Terminates one of the threads of both servers that have joined. */
function terminate(index: number): void {
  // Terminating a thread while it loads a native addon aborts the process.
  const joined = workers.filter(({ threadId }) => failpoints.hasJoined(threadId));
  const worker = joined[index % Math.max(joined.length, 1)];
  if (worker === undefined) return;
  terminated++;
  void worker.terminate();
}

async function answer(question: Question): Promise<Answer> {
  switch (question.ask) {
    case 'start':
      return start(question.setup);
    case 'status':
      return status();
    case 'arm':
      for (const [step, count] of question.steps) failpoints.arm(step, count);
      return null;
    case 'disarm':
      failpoints.disarm();
      return null;
    case 'terminate':
      terminate(question.which);
      return null;
    case 'close':
      await Promise.all(
        [...servers.values()].map(({ server }) => server.close({ drainMs: question.drainMs })),
      );
      return status();
  }
}

instrumentThreads();
answerCampaign(answer);
