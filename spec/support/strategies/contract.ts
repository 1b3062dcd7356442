/** The contract of the strategies: what users rely on whatever the concurrency model, tested once for each that this version can run. */
import { test } from 'uvu';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import { DESCRIPTIONS, STRATEGIES, type StrategyName } from '../../../lib/strategies/descriptions.js';
import { Gate } from '../server/gate.js';
import { Running } from '../server/running.js';
import { range, until } from '../server/wait.js';

/** Where the model has as many threads as it likes: with an I/O thread, three of them run handlers. */
const THREADS = 4;

/** Models in which any free thread takes the next request, so that handlers that block stall nobody while one thread is free. */
const SHARING: ReadonlySet<StrategyName> = new Set([
  'leader-followers',
  'half-sync-half-reactive',
  'simulated-proactor',
]);

export class Model {
  /** All threads. */
  readonly threads: number;
  /** The numbers of the threads that run handlers of connections. */
  readonly handlerThreads: readonly number[];
  readonly sharesRequests: boolean;

  constructor(readonly name: StrategyName) {
    const { maxThreads, ioThreads } = DESCRIPTIONS[name];
    this.threads = Math.min(THREADS, maxThreads);
    this.handlerThreads = range(this.threads).slice(ioThreads);
    this.sharesRequests = SHARING.has(name);
  }

  /** @param app as Running.start takes it */
  start(app: string, options: Omit<ServerOptions, 'app'> = {}): Promise<Running> {
    return Running.start(app, { strategy: this.name, threads: this.threads, ...options });
  }
}

const MODELS = STRATEGIES.map((name) => new Model(name));

/** A test for each model; those that `which` refuses have none. */
export function contract(
  what: string,
  check: (model: Model) => Promise<void>,
  which: (model: Model) => boolean = () => true,
): void {
  for (const model of MODELS.filter(which)) test(`${model.name}: ${what}`, () => check(model));
}

/** Resolves once no thread processes anything, and all have joined. */
export const atRest = (running: Running): Promise<void> =>
  until('every thread is at rest', () =>
    running.server.threads().every(({ state }) => state === 'leader' || state === 'follower'),
  );

/** Holds handlers of `web` inside their threads, as many as `count`, each on a connection of its own. @returns their answers' texts */
export async function holding(
  running: Running,
  count: number,
  during: () => Promise<void>,
): Promise<string[]> {
  using gate = new Gate();
  const clients = await running.connectMany(count);
  const answers = clients.map((client) => client.get(`/hold?gate=${gate.path}`));
  await gate.entered(count);
  await during();
  gate.release(count);
  return (await Promise.all(answers)).map(({ text }) => text);
}
