import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  channelArea,
  INPUT_PUT,
  INPUT_RING_BYTES,
  INPUT_TAKEN,
  IO_AT,
  OUTPUT_PUT,
  OUTPUT_RING_BYTES,
  OUTPUT_TAKEN,
} from '../../../lib/memory/channel-words.js';
import { CLOSES, IS_RESETTING } from '../../../lib/proactor/channels.js';
import { PARKS, WAITS } from '../../../lib/proactor/operation-board.js';
import { leaveToIoThread, recoverChannels } from '../../../lib/proactor/orphans.js';
import { BROKEN, PEER_ENDED, READABLE, WRITABLE } from '../../../lib/set/handle-table.js';
import { EAGAIN, ECONNRESET, EPIPE } from '../../../lib/sys/libc.js';
import { shutdownSending, transmit } from '../../../lib/sys/socket.js';
import { ChannelHarness } from '../../support/proactor/channel-harness.js';
import { takeCount } from '../../support/set/native.js';

const send = ({ client }: ChannelHarness, text: string): number =>
  transmit(client, Buffer.from(text), text.length);

test('the end of input comes behind all of it', () => {
  using it = new ChannelHarness();
  assert.is(it.received(), -EAGAIN);
  send(it, 'all of it');
  shutdownSending(it.client);
  assert.is(it.processor.ready(it.fd, READABLE | PEER_ENDED), READABLE | PEER_ENDED);
  assert.is(it.received(), 'all of it');
  assert.is(it.received(), 0);
});

test('where the ring is full, the rest is received once the worker has made room', () => {
  using it = new ChannelHarness();
  const text = 'x'.repeat(INPUT_RING_BYTES + 100);
  send(it, text);
  it.processor.ready(it.fd, READABLE);
  assert.is(it.operate(), 0);
  assert.is((it.received() as string).length, INPUT_RING_BYTES);
  assert.is(it.operate(), READABLE);
  assert.is((it.received() as string).length, 100);
  assert.is(it.operate(), 0);
});

test('the end of input is reported again with what comes behind a full ring, and after a death', () => {
  using it = new ChannelHarness();
  send(it, 'x'.repeat(INPUT_RING_BYTES + 100));
  shutdownSending(it.client);
  it.processor.ready(it.fd, READABLE | PEER_ENDED);
  assert.is((it.received() as string).length, INPUT_RING_BYTES);
  assert.is(it.received(), -EAGAIN, 'its thread leaves the connection now');
  assert.is(it.operate(), READABLE | PEER_ENDED);
  recoverChannels(it.channels, 1, it.fd + 1);
  assert.is(it.processor.ready(it.fd, READABLE | WRITABLE), READABLE | PEER_ENDED);
});

test('what was noted in a thread that left the handle is reported once more, as the kernel reports the socket again', () => {
  using it = new ChannelHarness();
  send(it, 'x');
  it.processor.ready(it.fd, READABLE | WRITABLE);
  assert.is(it.processor.ready(it.fd, WRITABLE), READABLE);
  it.received();
  assert.is(it.processor.ready(it.fd, WRITABLE), 0);
  shutdownSending(it.client);
  it.processor.ready(it.fd, READABLE);
  assert.is(it.processor.ready(it.fd, WRITABLE), READABLE | PEER_ENDED);
});

test('an event of a connection that was closed meanwhile leaves nothing for the next one of its number', () => {
  using it = new ChannelHarness();
  it.worker.passesClose(it.fd, true);
  it.operate();
  assert.not(it.isOpen);
  assert.is(it.processor.ready(it.fd, READABLE | WRITABLE | BROKEN), 0);
  const area = channelArea(it.fd);
  assert.ok(it.channels.words.subarray(area, channelArea(it.fd + 1)).every((word) => word === 0));
});

test('output is sent, and then sending is shut down', () => {
  using it = new ChannelHarness();
  assert.is(it.worker.transmit(it.fd, Buffer.from('answer'), 6), 6);
  it.worker.shutdownSending(it.fd);
  assert.is(it.atClient(), -EAGAIN, 'the worker has sent nothing itself');
  it.operate();
  assert.is(it.atClient().toString(), 'answer');
  assert.is(it.atClient(), 0);
});

test('a slow client: the worker hears of room when half of the ring is free, and is closed only when all is sent', () => {
  using it = new ChannelHarness();
  const all = randomBytes(1 << 20);
  let at = 0;
  for (let taken = 0; taken >= 0; it.operate()) {
    taken = it.worker.transmit(it.fd, all.subarray(at), all.length - at);
    if (taken > 0) at += taken;
  }
  assert.ok(at < all.length, 'the kernel and the ring are full');
  it.worker.passesClose(it.fd, false);
  it.operate();
  assert.ok(it.isOpen);
  const got: Buffer[] = [];
  while (it.isOpen) {
    const part = it.atClient();
    if (typeof part !== 'number') got.push(part);
    it.processor.ready(it.fd, WRITABLE);
  }
  for (let part = it.atClient(); typeof part !== 'number'; part = it.atClient()) got.push(part);
  assert.ok(Buffer.concat(got).equals(all.subarray(0, at)));
  assert.is(it.connections, 0);
});

test('room is reported once', () => {
  using it = new ChannelHarness();
  const half = Buffer.alloc(OUTPUT_RING_BYTES / 2);
  assert.is(it.worker.transmit(it.fd, half, half.length), half.length);
  assert.is(it.worker.transmit(it.fd, half, half.length), half.length);
  assert.is(it.worker.transmit(it.fd, half, 1), -EAGAIN);
  assert.is(it.operate() & WRITABLE, WRITABLE);
  assert.is(
    it.processor.ready(it.fd, WRITABLE | READABLE) & WRITABLE,
    WRITABLE,
    'the first event is reported',
  );
  assert.is(it.processor.ready(it.fd, WRITABLE), 0);
});

test('a connection is closed only once its worker has passed it on', () => {
  using it = new ChannelHarness();
  it.channels.ask(it.fd, CLOSES);
  it.processor.ready(it.fd, READABLE | WRITABLE);
  it.channels.board.post(it.fd);
  it.operate();
  assert.ok(it.isOpen, 'its worker is about to write the state word');
  it.worker.passesClose(it.fd, false);
  it.operate();
  assert.not.ok(it.isOpen);
});

test('closing at once does not wait for a slow client', () => {
  using it = new ChannelHarness();
  const bytes = Buffer.alloc(OUTPUT_RING_BYTES);
  while (it.worker.transmit(it.fd, bytes, bytes.length) > 0) it.operate();
  it.worker.passesClose(it.fd, true);
  it.operate();
  assert.not.ok(it.isOpen);
});

test('a connection that is reset sends nothing more', () => {
  using it = new ChannelHarness();
  it.worker.transmit(it.fd, Buffer.from('part'), 4);
  it.worker.resetOnClose(it.fd, true);
  it.worker.passesClose(it.fd, false);
  it.operate();
  assert.not.ok(it.isOpen);
  assert.is(it.atClient(), 0);
});

test('a response that is complete for its worker resets its connection only where it is cut', () => {
  using it = new ChannelHarness();
  it.worker.resetOnClose(it.fd, true);
  it.worker.transmit(it.fd, Buffer.from('all'), 3);
  it.operate();
  assert.ok(it.channels.hasStatus(it.fd, IS_RESETTING), 'until it is complete');
  it.worker.resetOnClose(it.fd, false);
  it.operate();
  const bytes = Buffer.alloc(OUTPUT_RING_BYTES);
  while (it.worker.transmit(it.fd, bytes, bytes.length) > 0) it.operate();
  it.worker.passesClose(it.fd, false);
  it.operate();
  assert.ok(it.isOpen, 'what is not sent is not discarded');
  assert.ok(it.channels.hasStatus(it.fd, IS_RESETTING), 'the client has not got it yet');
  while (it.channels.outputLength(it.fd) > 0 && it.isOpen) {
    it.atClient();
    it.processor.ready(it.fd, WRITABLE);
  }
  assert.not.ok(it.isOpen);
});

test('a client that has left breaks the connection', () => {
  using it = new ChannelHarness();
  shutdownSending(it.fd);
  it.worker.transmit(it.fd, Buffer.from('late'), 4);
  assert.is(it.operate(), BROKEN);
  assert.is(it.worker.transmit(it.fd, Buffer.from('later'), 5), -EPIPE);
});

test('a detached socket is left alone once all is sent; what was received before is given out', () => {
  using it = new ChannelHarness();
  send(it, 'rest');
  it.processor.ready(it.fd, READABLE);
  it.worker.transmit(it.fd, Buffer.from('101'), 3);
  assert.not.ok(it.worker.detaches(it.fd));
  assert.is(it.operate(), WRITABLE);
  assert.ok(it.worker.detaches(it.fd));
  assert.is(it.atClient().toString(), '101');
  send(it, 'for the socket');
  it.processor.ready(it.fd, READABLE);
  assert.is(it.worker.unread(it.fd, 0, it.input.length), 4);
});

test('an operation wakes the I/O thread only if it sleeps, once', () => {
  using it = new ChannelHarness();
  const { board } = it.channels;
  board.post(it.fd);
  assert.is(takeCount(it.wakeUp), 0);
  assert.not.ok(board.beginSleep(WAITS), 'there is an operation');
  it.operate();
  assert.ok(board.beginSleep(WAITS));
  board.post(it.fd);
  board.post(it.fd);
  assert.is(takeCount(it.wakeUp), 1);
  it.operate();
  assert.ok(board.beginSleep(PARKS));
  board.post(it.fd);
  assert.is(takeCount(it.doorbell), 1);
});

test("a dead worker's connection is closed by the I/O thread, with what can be sent at once", () => {
  using it = new ChannelHarness();
  it.worker.transmit(it.fd, Buffer.from('part'), 4);
  assert.ok(leaveToIoThread(it.channels, it.context, 1, it.fd));
  assert.ok(it.isOpen);
  it.processor.ready(it.fd, READABLE | WRITABLE);
  assert.not.ok(it.isOpen);
  assert.is(it.atClient().toString(), 'part');
});

test('what was in channels survives the I/O thread; a connection in whose call it died is broken', () => {
  using it = new ChannelHarness();
  it.worker.transmit(it.fd, Buffer.from('bye'), 3);
  it.worker.passesClose(it.fd, false);
  assert.ok(leaveToIoThread(it.channels, it.context, 0, it.fd), 'its replacement closes it');
  assert.is(it.channels.asked(it.fd), CLOSES);
  it.processor.ready(it.fd, READABLE | WRITABLE);
  assert.is(it.atClient().toString(), 'bye');
  using interrupted = new ChannelHarness();
  interrupted.channels.words[IO_AT] = interrupted.fd + 1;
  recoverChannels(interrupted.channels, 0, interrupted.fd + 1);
  assert.is(interrupted.received(), -ECONNRESET);
  assert.is(interrupted.worker.transmit(interrupted.fd, Buffer.from('x'), 1), -EPIPE);
});

test('room that the I/O thread had no time to report is reported by its replacement', () => {
  using it = new ChannelHarness();
  it.processor.ready(it.fd, READABLE | WRITABLE);
  const bytes = Buffer.alloc(OUTPUT_RING_BYTES);
  assert.is(it.worker.transmit(it.fd, bytes, bytes.length), bytes.length);
  assert.is(it.worker.transmit(it.fd, bytes, 1), -EAGAIN);
  assert.is(it.operate() & WRITABLE, WRITABLE, 'which dies with the thread');
  recoverChannels(it.channels, 0, it.fd + 1);
  assert.is(it.processor.ready(it.fd, READABLE | WRITABLE) & WRITABLE, WRITABLE);
});

test('an end that was reported to an I/O thread that died is found behind the input', () => {
  using it = new ChannelHarness();
  it.processor.ready(it.fd, READABLE | WRITABLE);
  send(it, 'last');
  shutdownSending(it.client);
  recoverChannels(it.channels, 0, it.fd + 1);
  assert.is(it.processor.ready(it.fd, READABLE | WRITABLE) & PEER_ENDED, PEER_ENDED);
  assert.is(it.received(), 'last');
  assert.is(it.received(), 0);
});

for (const before of [0x7fff_f000, -4096]) {
  test(`positions that pass ${before < 0 ? '2^32' : '2^31'} lose no byte, and no report of room`, () => {
    using it = new ChannelHarness();
    const area = channelArea(it.fd);
    for (const word of [INPUT_PUT, INPUT_TAKEN, OUTPUT_PUT, OUTPUT_TAKEN])
      it.channels.words[area + word] = before;
    it.processor.ready(it.fd, READABLE | WRITABLE);
    const input = randomBytes(INPUT_RING_BYTES);
    assert.is(transmit(it.client, input, input.length), input.length);
    it.processor.ready(it.fd, READABLE);
    assert.is(it.received(), input.toString('latin1'));
    const output = randomBytes(OUTPUT_RING_BYTES);
    assert.is(it.worker.transmit(it.fd, output, output.length), output.length);
    assert.is(it.worker.transmit(it.fd, output, 1), -EAGAIN);
    assert.is(it.operate() & WRITABLE, WRITABLE);
    assert.equal(it.atClient(), output);
    assert.is(it.channels.outputRoom(it.fd), OUTPUT_RING_BYTES);
  });
}

test('what a worker thread echoes arrives whole, over many laps of both rings', async () => {
  using it = new ChannelHarness();
  const { fd } = it;
  it.startEcho();
  const all = randomBytes(3_000_000);
  const hash = createHash('sha1');
  let sent = 0;
  for (let got = 0; got < all.length; ) {
    const count = transmit(it.client, all.subarray(sent), Math.min(7000, all.length - sent));
    if (sent < all.length && count > 0) sent += count;
    it.processor.ready(fd, READABLE | WRITABLE);
    it.operate();
    for (let part = it.atClient(); typeof part !== 'number'; part = it.atClient()) {
      hash.update(part);
      got += part.length;
    }
    await immediate();
  }
  assert.is(hash.digest('hex'), createHash('sha1').update(all).digest('hex'));
  shutdownSending(it.client);
  while (it.isOpen) {
    it.processor.ready(fd, READABLE | PEER_ENDED);
    it.operate();
    await immediate();
  }
  assert.is(it.connections, 0);
});

test.run();
