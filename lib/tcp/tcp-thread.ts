/** What the raw TCP connections of one thread share. */
import { ConnectionThread } from '../connection/connection-thread.js';
import type { ThreadContext } from '../connection/event-handler.js';
import { RECEIVE_BYTES } from '../connection/limits.js';
import type { TcpApp } from './app.js';

export class TcpThread extends ConnectionThread {
  readonly input: Buffer;

  constructor(
    context: ThreadContext,
    readonly app: TcpApp,
  ) {
    super(context);
    this.input = context.input.subarray(0, RECEIVE_BYTES);
  }
}
