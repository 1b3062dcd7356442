/** The entry of a thread that learns routes: a given number of requests, or invented ones until it is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { RouteTable } from '../../../lib/routes/route-table.js';
import { hashIn } from './table.js';

export interface Learning {
  readonly self: number;
  readonly memory: SharedArrayBuffer;
  /** A word to which it adds what it has learned. */
  readonly progress: SharedArrayBuffer;
  /** Requests of each of `hashes`; or of routes that it invents, slow and fast ones. */
  readonly requests: number;
  readonly hashes?: readonly number[];
}

const { self, memory, progress, requests, hashes } = workerData as Learning;
const words = new Int32Array(progress);
const table = new RouteTable(memory, self);
const name = () => 'GET /x';

/** Few routes in two sets, so that threads meet: they take and free slots all the time. */
function invent(request: number): void {
  const hash = hashIn(request & 1, (request >> 1) % 12);
  table.learn(hash, 1000, name);
  for (let fast = 0; fast < 16 && table.find(hash) >= 0; fast++) table.learn(hash, 1, name);
}

for (let request = 0; request < requests; request++) {
  if (hashes === undefined) invent(request);
  else for (const hash of hashes) table.learn(hash, 1000, name);
  Atomics.add(words, 0, 1);
}
parentPort!.postMessage('done');
