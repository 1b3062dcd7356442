/** The transport of the I/O thread, which calls the kernel itself, and forgets a connection's channel when it closes the connection. */
import { DirectTransport } from '../connection/transport.js';
import type { HandleSet } from '../set/handle-set.js';
import type { Channels } from './channels.js';

export class IoTransport extends DirectTransport {
  readonly #channels: Channels;

  constructor(handles: HandleSet, input: Uint8Array, channels: Channels) {
    super(handles, input);
    this.#channels = channels;
  }

  override passesClose(fd: number): boolean {
    // Before the record is free. If the thread dies in between, recovery closes the connection as one that the thread was inside.
    this.#channels.clear(fd);
    return false;
  }
}
