// node:cluster, with its default scheduling (round robin, the primary distributes the connections).

import cluster from 'node:cluster';

/** Runs `work`, which listens, in so many processes; the primary prints the address once all of them listen. */
export async function inCluster(processes: number, work: () => Promise<void>): Promise<void> {
  if (cluster.isWorker) return work();
  let listening = 0;
  cluster.on('listening', (_worker, { port }) => {
    listening += 1;
    if (listening === processes) console.log(`listening on http://127.0.0.1:${port}`);
  });
  for (let i = 0; i < processes; i += 1) cluster.fork();
}
