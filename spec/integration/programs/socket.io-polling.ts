/** socket.io by polling, and from polling to a websocket: with one thread, as a session's requests have to reach its thread. */
import { compare } from '../../support/programs/compare.js';
import { socketIoChecks } from '../../support/programs/socket-io.js';

compare('socket.io', { ...socketIoChecks('polling'), ...socketIoChecks('upgrade') }, { threads: 1 });
