/** How busy the machine is: with everything that runs on it, and with the comparison's own processes. */
import { cpus } from 'node:os';
import { cpuMsOf } from './process-use.js';

/** Shares of the time of all cores, from 0 to 1. */
export interface Busy {
  readonly all: number;
  readonly own: number;
}

export class MachineMeter {
  readonly #pids: readonly number[];
  #before: Times;

  /** @param pids the comparison's own processes */
  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.#before = timesOf(pids);
  }

  /** Of the time since the last call. */
  take(): Busy {
    const before = this.#before;
    const now = timesOf(this.#pids);
    this.#before = now;
    const total = now.total - before.total;
    const share = (ms: number): number => (total > 0 ? Math.min(1, Math.max(0, ms / total)) : 0);
    return { all: share(now.all - before.all), own: share(now.own - before.own) };
  }
}

interface Times {
  readonly total: number;
  readonly all: number;
  readonly own: number;
}

function timesOf(pids: readonly number[]): Times {
  let total = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const core = times.user + times.nice + times.sys + times.idle + times.irq;
    total += core;
    all += core - times.idle;
  }
  return { total, all, own: pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0) };
}
