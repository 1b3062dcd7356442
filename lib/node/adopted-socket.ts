/**
 * Connections that a thread's event loop serves: a `net.Socket` on a duplicate of the descriptor, which libuv closes. The set keeps the
 * original in its record until the socket is closed, so the number is not used again, the connection counts, and the death of its thread
 * closes it as any other. So such a connection takes two descriptors.
 */
import { Socket } from 'node:net';
import type { ThreadContext } from '../connection/event-handler.js';
import { closeDescriptor, duplicateDescriptor } from '../sys/descriptor.js';

/** A libuv handle, as `lib/net.js` closes it. */
interface Closable {
  close(closed?: () => void): unknown;
  reset?(closed?: () => void): unknown;
}

/**
 * Ends the kernel's reports of a connection that this thread is inside, and makes a socket for it.
 *
 * @param onClosed called when the duplicate is closed. Not by the socket's event, whose listeners the app may remove
 * @returns null when no descriptor is left
 */
export function adoptDescriptor(
  { handles, log }: ThreadContext,
  fd: number,
  onClosed: () => void,
): Socket | null {
  try {
    const socket = socketOf(duplicateDescriptor(fd));
    handles.ignoreHandle(fd);
    const handle = (socket as unknown as { _handle: Closable })._handle;
    observe(handle, 'close', onClosed);
    observe(handle, 'reset', onClosed);
    return socket;
  } catch (error) {
    log('error', 'a connection could not be handed to its app as a socket', { error });
    return null;
  }
}

/** @throws what Node throws; the descriptor is closed then */
function socketOf(fd: number): Socket {
  try {
    return new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function observe(handle: Closable, name: 'close' | 'reset', onCalled: () => void): void {
  const original = handle[name];
  if (original === undefined) return;
  handle[name] = function (this: Closable, closed?: () => void): unknown {
    onCalled();
    return original.call(this, closed);
  };
}
