/**
 * What recovery does about the channels of a dead thread. Only the I/O thread touches the sockets of living connections, so a worker's
 * connections are passed to it, to be closed. If the I/O thread itself is dead, nobody is in the sockets, and its replacement goes on from
 * shared memory.
 */
import { type Connections, freeSavedInput } from '../connection/close.js';
import { IO_AT } from '../memory/channel-words.js';
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { ECONNRESET } from '../sys/libc.js';
import { AT_ONCE, type Channels, CLOSES, END_UNSEEN, IS_KNOWN, OUTPUT_FAILED } from './channels.js';

/**
 * A connection that the dead thread was inside, or that was bound to it.
 *
 * @returns whether the I/O thread closes it; else the caller is to
 */
export function leaveToIoThread(
  channels: Channels,
  connections: Connections,
  dead: number,
  fd: number,
): boolean {
  if (dead === IO_THREAD) {
    // It was about to close it, and the replacement does.
    if (channels.asked(fd) & CLOSES) return true;
    channels.clear(fd);
    return false;
  }
  freeSavedInput(connections, fd);
  channels.ask(fd, CLOSES | AT_ONCE);
  connections.table.pass(fd, IO_THREAD);
  return true;
}

/**
 * The I/O thread may be dead: breaks the connection in whose socket it has died, as bytes may have been moved that nothing counts. It may also
 * have had results that it had not reported yet, of which its replacement finds no trace at the socket; so all connections count as new, and
 * get the event WRITABLE once more. The end of input may be among what it had not noted yet: it is looked for behind the input.
 *
 * @param end descriptors at or above were never in use
 */
export function recoverChannels(channels: Channels, dead: number, end: number): void {
  if (dead !== IO_THREAD) return;
  for (let fd = 0; fd < end; fd++) {
    if (!channels.hasStatus(fd, IS_KNOWN)) continue;
    channels.clearStatus(fd, IS_KNOWN);
    channels.setStatus(fd, END_UNSEEN);
  }
  const fd = channels.words[IO_AT]! - 1;
  if (fd < 0) return;
  channels.words[IO_AT] = 0;
  channels.failInput(fd, ECONNRESET);
  channels.setStatus(fd, OUTPUT_FAILED);
}
