// node:http in processes of node:cluster. Usage: cluster-server.js APP PROCESSES.

import { listen } from './node-http.js';
import { inCluster } from './workers.js';

const [app, processes] = process.argv.slice(2);
await inCluster(Number(processes), () => listen(app!, () => {}));
