// An echo over raw TCP on Paceline.

import type { TcpConnection } from '../../../lib/index.js';

export default {
  data(connection: TcpConnection, bytes: Uint8Array): void {
    connection.write(bytes);
  },
};
