// A server file, which calls listen() itself, in processes of node:cluster. Usage: cluster-file.js NAME PROCESSES.

import { inCluster } from './workers.js';

const [name, processes] = process.argv.slice(2);
await inCluster(Number(processes), () => import(`./${name}.js`));
