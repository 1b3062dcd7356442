/**
 * The load that the dashboard's buttons put on the demo app, so that a newcomer sees leadership change hands within seconds.
 * Each kind runs in a worker thread of its own, so that it slows neither the control plane nor another load. It ends by
 * itself, so that closing the page does not leave the processor busy.
 */
import { Worker } from 'node:worker_threads';
import type { LoadTarget } from './monitored-server.js';
import { LOADS, type Load, type LoadState } from './protocol.js';

/** The requests of a kind of load; see demo/app.ts for the routes. */
export interface LoadPlan {
  readonly path: string;
  readonly connections: number;
}

const PLANS: Readonly<Record<Load, LoadPlan>> = {
  fast: { path: '/hello', connections: 16 },
  // One connection fewer than the smallest default of threads, so that a thread is left to lead.
  blocking: { path: '/block?ms=200', connections: 3 },
  cpu: { path: '/spin?ms=50', connections: 2 },
};

/** How long a load runs unless it is stopped. */
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

  /** Starts a load, or restarts its time if it runs already; or stops it. */
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

  /** When each kind ends; 0 if it does not run. */
  state(): LoadState {
    const endsAt = (kind: Load): number => this.#running.get(kind)?.endsAt ?? 0;
    return { fast: endsAt('fast'), blocking: endsAt('blocking'), cpu: endsAt('cpu') };
  }

  /** Stops all of them and starts none any more. */
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
    // It only makes requests, so an error in it needs no handling.
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
