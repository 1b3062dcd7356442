// express-shop.ts as a server file, which calls listen() itself. Prints its address, as paceline does.

import type { AddressInfo } from 'node:net';
import app from './express-shop.js';

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}`);
});
