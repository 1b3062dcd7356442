/** I5: a thread may end before any one of its atomic operations, and the others go on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openConnections } from '../../../lib/connection/listeners.js';
import { CONNECTIONS } from '../../../lib/memory/layout.js';
import { BOUND, IDLE } from '../../../lib/set/handle-table.js';
import { localAddress } from '../../../lib/sys/socket.js';
import { BINDER, COUNTER } from '../../support/set/kinds.js';
import {
  DESCRIPTORS,
  HELD,
  HOLD,
  load,
  put,
  STOPPED,
  TALLY,
  until,
  VIOLATIONS,
} from '../../support/set/scratch.js';
import { TestSet, withSet } from '../../support/set/test-set.js';
import { listen, Traffic } from '../../support/set/traffic.js';

const TURNS = { role: 'turns', steps: false } as const;

for (const watch of [false, true]) {
  test(
    `a thread may end before any of its atomic operations${watch ? ', on watch too' : ''}`,
    withSet(4, async (set) => {
      // Place 0 stays empty: the lowest number is woken first, and that is the victim.
      const VICTIM = 1;
      const kinds = [COUNTER, COUNTER, BINDER, BINDER];
      const traffic = new Traffic(set, kinds);
      if (!watch) set.wakeAlways();
      await set.start(2, TURNS);
      await set.start(3, TURNS);
      const last = watch ? 120 : 60;
      for (let step = 1; step <= last; step += watch ? 3 : 1) {
        const victim = await set.start(VICTIM, { role: 'turns', steps: true });
        await set.quiet(3);
        victim.stopBefore(step);
        const stopped = () => victim.status === STOPPED;
        while (!stopped()) {
          for (const fd of traffic.fds) traffic.send(fd);
          await until(() => stopped() || traffic.arrived(), `step ${step}, or the events taken`);
        }
        await set.kill(VICTIM);
        const bound = traffic.fds.filter(
          (fd) => set.table.state(fd) === BOUND && set.table.owner(fd) === VICTIM,
        );
        const lost = set.recover(VICTIM);
        assert.is(traffic.removeClosed(), lost, `step ${step}: only what recovery says is gone`);
        assert.ok(lost <= bound.length + 1, `step ${step}: ${lost} lost, ${bound.length} bound`);
        // No new event helps: those that the dead thread held are asked for again.
        await until(() => traffic.arrived(), `step ${step}: every event of every connection that lives`);
        await traffic.settle();
        while (traffic.fds.length < kinds.length) traffic.add(lost > bound.length ? COUNTER : BINDER);
      }
      assert.is(load(set.scratch, VIOLATIONS), 0);
    }),
  );
}

test('a thread may end at any step of accepting: the client is served, or sees the end of its connection', async () => {
  const VICTIM = 0;
  for (let step = 1; ; step++) {
    const set = new TestSet(2);
    const listener = listen();
    set.shared = set.sharedStateOf(localAddress(listener.fd)!);
    try {
      const victim = await set.start(VICTIM, { role: 'turns', steps: true });
      await set.quiet(1);
      put(set.scratch, HOLD + listener.fd, 1);
      set.listen(listener.fd);
      const client = await listener.client();
      let ended = false;
      client.on('close', () => {
        ended = true;
      });
      client.on('error', () => {});
      client.resume();
      await until(() => load(set.scratch, HELD + listener.fd) === VICTIM + 1, 'it is inside the acceptor');
      victim.stopBefore(step);
      set.release(listener.fd);
      const left = () => set.table.state(listener.fd) === IDLE;
      await until(() => victim.status === STOPPED || left(), `step ${step}, or the end of accepting`);
      if (left()) return assert.ok(step > 8);
      await set.kill(VICTIM);
      await set.start(1, TURNS);
      set.recover(VICTIM);
      await set.quiet(1);
      // A descriptor that is not in the kernel's set would not be served now.
      client.write(Buffer.from(new BigUint64Array([1n]).buffer));
      const served = () => set.scratch.subarray(TALLY, TALLY + DESCRIPTORS).some((count) => count !== 0);
      await until(() => ended || served(), `step ${step}: the client is served, or told`);
      // Thread 1 counts a connection before it tries to accept one, so the count may be one too high for a moment.
      const count = () => [load(set.words, CONNECTIONS), openConnections(set.words, 0)];
      const counted = () => count().every((open) => open === (ended ? 0 : 1));
      await until(counted, `step ${step}: the connection is counted once`);
    } finally {
      await set.close();
      listener.close();
    }
  }
});

test.run();
