/**
 * The process that sends the load to all servers. It is one of its own, so that neither the page nor the figures delay a request. It ends
 * with the comparison, however that ends.
 */
import type { Worker } from 'node:worker_threads';
import { startBeats } from './beats.js';
import { Client } from './client.js';
import type { LoadOrder, LoadReport } from './load-messages.js';
import { type Load, Schedule } from './schedule.js';

const REPORT_MS = 250;
/** From an order to the first request: the metronome has started by then. */
const START_MS = 200;
/** Requests of lower rates are due with a beat each. The metronome need not be faster: a beat sends all that is due. */
const MIN_BEAT_MS = 0.5;
/** A request that is sent so much later than it was due is this process's delay, and not the server's. */
const OWN_LATENESS_MS = 2;

/** One load, from its order to the next one. */
class Running {
  readonly #load: Load;
  readonly #schedule: Schedule;
  readonly #startMs = performance.now() + START_MS;
  readonly #metronome: Worker;
  #ownLate = 0;

  constructor(load: Load, clients: readonly Client[]) {
    this.#load = load;
    this.#schedule = new Schedule(load, clients.length);
    const beatMs = Math.max(MIN_BEAT_MS, 1000 / load.rate);
    this.#metronome = startBeats(beatMs, () => this.#pump(clients), this.#startMs);
  }

  get elapsedMs(): number {
    return Math.max(0, performance.now() - this.#startMs);
  }

  #pump(clients: readonly Client[]): void {
    for (const { server, kind, dueMs } of this.#schedule.take(performance.now() - this.#startMs)) {
      if (this.elapsedMs - dueMs > OWN_LATENESS_MS) this.#ownLate++;
      clients[server]!.send(this.#load.mix, kind, this.#startMs + dueMs);
    }
  }

  /** How many requests were sent late since the last call. */
  takeOwnLate(): number {
    const taken = this.#ownLate;
    this.#ownLate = 0;
    return taken;
  }

  end(): void {
    this.#metronome.removeAllListeners('message');
    void this.#metronome.terminate();
  }
}

let clients: Client[] = [];
let running: Running | null = null;
let epoch = 0;

function report(): void {
  if (running === null || !process.connected) return;
  const nowMs = performance.now();
  const servers = clients.map((client) => client.report(nowMs));
  const message: LoadReport = {
    epoch,
    elapsedMs: running.elapsedMs,
    ownLate: running.takeOwnLate(),
    servers,
  };
  process.send!(message, () => {});
}

async function follow(number: number, load: Load | null): Promise<void> {
  epoch = number;
  running?.end();
  running = null;
  for (const client of clients) client.begin();
  if (load === null) return;
  await Promise.all(clients.map((client) => client.open(load.mix)));
  // Another one may have come meanwhile.
  if (number === epoch) running = new Running(load, clients);
}

process.on('disconnect', () => process.exit());
// The comparison may have ended before this line.
if (!process.connected) process.exit();
process.on('message', (order: LoadOrder) => {
  if (order.type === 'load') void follow(order.epoch, order.load);
  else clients = order.targets.map((target) => new Client(target));
});
setInterval(report, REPORT_MS);
