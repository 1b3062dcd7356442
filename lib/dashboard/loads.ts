/**
 * The load that the dashboard's buttons put on the demo app, so that a newcomer sees the lead change hands within seconds.
 * Each kind runs in a worker thread of its own, so that neither the control plane nor another load pays for it; it ends by
 * itself, because who closes the page should not leave a fan running.
 */
import { Worker } from 'node:worker_threads';
import type { LoadTarget } from './monitored-server.js';
import { LOADS, type Load, type LoadState } from './protocol.js';

/** What a kind of load does; see demo/app.ts for the routes. */
export interface LoadPlan {
  readonly path: string;
  readonly connections: number;
}

const PLANS: Readonly<Record<Load, LoadPlan>> = {
  fast: { path: '/hello', connections: 16 },
  // One connection less than the least default of threads, so that somebody is left to lead.
  blocking: { path: '/block?ms=200', connections: 3 },
  cpu: { path: '/spin?ms=50', connections: 2 },
};

/** How long a load goes on unless it is stopped. */
const DURATION_MS = 30_000;

const ENTRY = new URL('./load-worker.js', import.meta.url);

interface Running {
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
  readonly endsAt: number;
}

export class Loads {
  readonly #target: LoadTarget;
  readonly #running = new Map<Load, Running>();
  readonly #ending = new Set<Promise<unknown>>();
  #closed = false;

  constructor(target: LoadTarget) {
    this.#target = target;
  }

  /** Starts a load, or lets one that runs go on for its whole time again; or stops it. */
  set(kind: Load, on: boolean): void {
    const before = this.#running.get(kind);
    if (!on) {
      if (before !== undefined) this.#stop(kind, before);
      return;
    }
    if (this.#closed) return;
    clearTimeout(before?.timer);
    const worker = before?.worker ?? this.#start(kind);
    const timer = setTimeout(() => this.set(kind, false), DURATION_MS);
    timer.unref();
    this.#running.set(kind, { worker, timer, endsAt: Date.now() + DURATION_MS });
  }

  /** When each kind ends; 0 where it does not run. */
  state(): LoadState {
    const endsAt = (kind: Load): number => this.#running.get(kind)?.endsAt ?? 0;
    return { fast: endsAt('fast'), blocking: endsAt('blocking'), cpu: endsAt('cpu') };
  }

  /** Ends them all, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const kind of LOADS) this.set(kind, false);
    await Promise.all(this.#ending);
  }

  #start(kind: Load): Worker {
    const worker = new Worker(ENTRY, {
      name: `paceline-load-${kind}`,
      workerData: { ...this.#target, ...PLANS[kind] },
    });
    // It only makes requests; one that fails is one less to make.
    worker.on('error', () => {});
    worker.on('exit', () => {
      const running = this.#running.get(kind);
      if (running?.worker !== worker) return;
      clearTimeout(running.timer);
      this.#running.delete(kind);
    });
    worker.unref();
    return worker;
  }

  #stop(kind: Load, { worker, timer }: Running): void {
    clearTimeout(timer);
    this.#running.delete(kind);
    const ended = worker.terminate().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
