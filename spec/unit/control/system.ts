/** What a set takes from the system. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDescriptors } from '../../../lib/control/system.js';
import { closeDescriptor, signalEventCounter } from '../../../lib/sys/descriptor.js';
import { EVENT_DATA, EVENT_WORDS, epollWait } from '../../../lib/sys/epoll.js';

test('a model in which threads share one set opens no other', () => {
  const { epoll, ownSets, wakeUp, doorbells } = openDescriptors(3, false);
  assert.equal(ownSets, []);
  assert.is(doorbells.length, 3);
  for (const fd of [epoll, wakeUp, ...doorbells]) closeDescriptor(fd);
});

test('a doorbell ends one wait for its own set with each ring, without a reset', () => {
  const { epoll, ownSets, wakeUp, doorbells } = openDescriptors(3, true);
  assert.is(ownSets.length, 2);
  const sets = [epoll, ...ownSets];
  const events = new Int32Array(EVENT_WORDS * 4);
  const rung = () => sets.map((set) => (epollWait(set, events, 4, 0) === 1 ? events[EVENT_DATA] : -1));
  assert.equal(rung(), [-1, -1, -1]);
  for (let rings = 0; rings < 2; rings++) {
    for (const doorbell of doorbells) signalEventCounter(doorbell);
    assert.equal(rung(), doorbells);
    assert.equal(rung(), [-1, -1, -1]);
  }
  for (const fd of [...sets, wakeUp, ...doorbells]) closeDescriptor(fd);
});

test.run();
