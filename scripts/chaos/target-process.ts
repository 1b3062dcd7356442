/** The campaign's side of target.ts: starts the process, and asks it. */
import { CampaignChild } from '../campaign/child.js';
import type { Answer, Ports, Question, Setup, Status } from './messages.js';

const TARGET = new URL('./target.js', import.meta.url);

export class TargetProcess {
  readonly #child = new CampaignChild<Question, Answer>(TARGET);

  private constructor() {}

  /** @throws when it does not come up */
  static async start(setup: Setup): Promise<{ process: TargetProcess; ports: Ports }> {
    const process = new TargetProcess();
    try {
      return { process, ports: (await process.#child.ask({ ask: 'start', setup })) as Ports };
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  /** Rejects when the process ends without having been told to. */
  get died(): Promise<never> {
    return this.#child.died;
  }

  status(): Promise<Status> {
    return this.#child.ask({ ask: 'status' }) as Promise<Status>;
  }

  async arm(steps: readonly (readonly [number, number])[]): Promise<void> {
    await this.#child.ask({ ask: 'arm', steps });
  }

  async disarm(): Promise<void> {
    await this.#child.ask({ ask: 'disarm' });
  }

  async terminate(which: number): Promise<void> {
    await this.#child.ask({ ask: 'terminate', which });
  }

  /** Closes the servers, and waits for the process to end by itself. @throws when anything does not end */
  async close(drainMs: number): Promise<void> {
    await this.#child.close({ ask: 'close', drainMs });
  }

  /** Ends the process, whatever it does. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }
}
