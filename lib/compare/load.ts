/** The comparison's side of the process that sends the load. */
import type { ChildProcess } from 'node:child_process';
import { Children } from './children.js';
import type { LoadOrder, LoadReport, Target } from './load-messages.js';
import type { Load } from './schedule.js';

const MODULE = new URL('./load-process.js', import.meta.url);

export class LoadSender {
  readonly #process: ChildProcess;
  #epoch = 0;
  /** Resolves with a sentence once the process has ended. */
  readonly ended: Promise<string>;

  /** @param onReport gets four reports a second of the present load */
  constructor(children: Children, targets: readonly Target[], onReport: (report: LoadReport) => void) {
    this.#process = children.start(MODULE, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process.on('message', (report: LoadReport) => {
      if (report.epoch === this.#epoch) onReport(report);
    });
    this.ended = Children.endOf(this.#process, 'the process that sends the load');
    this.#send({ type: 'start', targets });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Begins a load in place of the one before; null stops. */
  set(load: Load | null): void {
    this.#send({ type: 'load', epoch: ++this.#epoch, load });
  }

  #send(order: LoadOrder): void {
    if (this.#process.connected) this.#process.send(order, () => {});
  }
}
