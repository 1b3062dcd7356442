/**
 * A key-value server that speaks the protocol of Redis: redis-cli and the client libraries can talk to it.
 *
 * Where the data are. Every thread runs this file and has memory of its own, and a connection's commands may be executed by any
 * thread. A Map would thus be a different one from command to command. So the data are in an SQLite database that all threads
 * open (store.js): what one thread writes, the next one reads, and they outlive the process.
 *
 * Where a connection is. One whose commands arrive whole belongs to no thread. What has to be remembered of one between two
 * events, half a command or that it speaks version 3 of the protocol, is put into `connection.data`, which keeps the connection in
 * its thread from then on.
 */
import { execute } from './commands.js';
import { encode, ProtocolError, readCommand } from './protocol.js';

const NOTHING = Buffer.alloc(0);

/** Executes all commands that have arrived whole (pipelining), and returns their replies. */
function executeAll(session, input) {
  const replies = [];
  let at = 0;
  try {
    while (!session.quits) {
      const command = readCommand(input, at);
      if (command === null) break;
      at = command.end;
      if (command.words.length > 0) replies.push(encode(execute(command.words, session), session.version));
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    replies.push(encode(error, session.version));
    session.quits = true;
  }
  session.rest = input.subarray(at);
  return Buffer.concat(replies);
}

export default {
  data(connection, bytes) {
    const session = connection.data ?? { rest: NOTHING, version: 2, quits: false };
    session.thread = connection.thread;
    const replies = executeAll(session, Buffer.concat([session.rest, bytes]));
    if (session.quits) return connection.end(replies);
    if (session.rest.length > 0 || session.version !== 2) connection.data = session;
    // While the client does not read its replies, no further commands are read.
    if (replies.length > 0) connection.write(replies);
  },
};
