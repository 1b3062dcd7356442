/** A worker thread that sends all that it receives by a channel, and then passes the connection on to be closed. */
import { workerData } from 'node:worker_threads';
import { ChannelTransport } from '../../../lib/proactor/channel-transport.js';
import { Channels } from '../../../lib/proactor/channels.js';
import { HandleTable } from '../../../lib/set/handle-table.js';

const { memory, descriptors, wakeUp, doorbell, fd } = workerData;
const channels = new Channels(memory.channels, descriptors, wakeUp, doorbell);
const input = Buffer.alloc(5000);
const transport = new ChannelTransport(channels, {
  input,
  table: new HandleTable(memory.handles),
  control: new Int32Array(memory.control),
  limits: { sendTicks: 5, graceTicks: 5 } as never,
});
const idle = new Int32Array(new SharedArrayBuffer(4));

for (let count = -1; count !== 0; ) {
  count = transport.receive(fd, 0, input.length);
  if (count < 0) Atomics.wait(idle, 0, 0, 1);
  for (let at = 0; at < count; ) {
    const sent = transport.transmit(fd, input.subarray(at, count), count - at);
    if (sent > 0) at += sent;
    else Atomics.wait(idle, 0, 0, 1);
  }
}
transport.passesClose(fd, false);
