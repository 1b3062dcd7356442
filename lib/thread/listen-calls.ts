/**
 * Whether servers of this thread have called listen(). A server asks for its listener only when it has looked its host up, and it must be
 * known before whether a module is a server file.
 */
import { Server } from 'node:net';

let called = false;

/** From now on calls are noted. */
export function noteListenCalls(): void {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (this: Server, ...options: unknown[]): Server {
    called = true;
    return listen.apply(this, options as never);
  };
}

export const hasCalledListen = (): boolean => called;
