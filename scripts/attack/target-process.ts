/** The campaign's side of target.ts: asks it, and reads from /proc what it costs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { UPSTREAM_VARIABLE } from '../../spec/support/proxies/app.js';
import { CampaignChild } from '../campaign/child.js';
import { descriptorsOf } from '../campaign/descriptors.js';
import type { Answer, Ports, Question, Setup, Status } from './messages.js';

const TARGET = new URL('./target.js', import.meta.url);
/** Resets the peak of resident memory (proc_pid_clear_refs(5)). */
const RESET_PEAK = '5';

/** What the process costs, by the kernel's accounts. */
export interface Costs {
  readonly residentBytes: number;
  /** The peak since `forgetPeak()`. */
  readonly peakBytes: number;
  readonly descriptors: number;
  readonly systemThreads: number;
}

export class TargetProcess {
  readonly #child: CampaignChild<Question, Answer>;

  private constructor(upstream: string) {
    this.#child = new CampaignChild(TARGET, { [UPSTREAM_VARIABLE]: upstream });
  }

  /** @throws when it does not come up */
  static async start(setup: Setup, upstream: string): Promise<{ process: TargetProcess; ports: Ports }> {
    const process = new TargetProcess(upstream);
    try {
      return { process, ports: (await process.#child.ask({ ask: 'start', setup })) as Ports };
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  status(): Promise<Status> {
    return this.#child.ask({ ask: 'status' }) as Promise<Status>;
  }

  costs(): Costs {
    const { pid } = this.#child;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]);
    return {
      residentBytes: field('VmRSS') * 1024,
      peakBytes: field('VmHWM') * 1024,
      descriptors: descriptorsOf(pid).size,
      systemThreads: field('Threads'),
    };
  }

  /** Resets the peak to the present. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, RESET_PEAK);
  }

  /** @throws when the server does not close, or its process does not exit with 0 */
  async close(): Promise<void> {
    await this.#child.close({ ask: 'close' });
  }

  /** Kills the process, whatever it is doing. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }
}
