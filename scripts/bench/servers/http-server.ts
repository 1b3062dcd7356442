// node:http in one process. Usage: http-server.js APP. Prints its address, as paceline does.

import { listen } from './node-http.js';

await listen(process.argv[2]!, ({ port }) => console.log(`listening on http://127.0.0.1:${port}`));
