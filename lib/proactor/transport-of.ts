/** The transport of each thread of a set with channels. */
import type { ThreadContext } from '../connection/event-handler.js';
import type { Transport } from '../connection/transport.js';
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { ChannelTransport } from './channel-transport.js';
import type { Channels } from './channels.js';
import { IoTransport } from './io-transport.js';

export const transportOf = (
  channels: Channels,
  thread: Pick<ThreadContext, 'self' | 'handles' | 'table' | 'input' | 'control' | 'limits'>,
): Transport =>
  thread.self === IO_THREAD
    ? new IoTransport(thread.handles, thread.input, channels)
    : new ChannelTransport(channels, thread);
