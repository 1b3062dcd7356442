// node:cluster, with its default scheduling (round robin, the primary distributes the connections).

import cluster from 'node:cluster';

/** Runs `work`, which listens, in so many processes; the primary prints the address once the first of them listens. */
export async function inCluster(processes: number, work: () => Promise<unknown>): Promise<void> {
  if (cluster.isWorker) {
    await work();
    return;
  }
  // A server file prints its address in each worker.
  cluster.setupPrimary({ stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  cluster.once('listening', (_worker, { port }) => console.log(`listening on http://127.0.0.1:${port}`));
  for (let i = 0; i < processes; i += 1) cluster.fork();
}
