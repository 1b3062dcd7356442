/** The commands of a thread that a spec drives: the participants' operations, one by one, and loops of them for stress. */
import { Acceptor } from '../../../lib/connection/acceptor.js';
import { closeConnection } from '../../../lib/connection/close.js';
import { ENTERED, READABLE } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { resetEventCounter } from '../../../lib/sys/descriptor.js';
import { POLL_FIRST, pollTwo } from '../../../lib/sys/epoll.js';
import { makeContext } from './context.js';
import { takeEntry } from './mailbox.js';
import type { Command, Parts } from './parts.js';
import { queueCommands } from './queue.js';
import { HAS_WORK, load, threadWord } from './scratch.js';
import { asleep } from './steps.js';
import { stressCommands } from './stress.js';

export function commands(parts: Parts): Record<string, Command> {
  const { self, scratch, threadSet, control, lot, table, handles, pool, mailbox, loop, doorbell } = parts;
  const { memory, epoll, ownSets } = parts;
  const words = new Int32Array(control);
  const context = makeContext({ memory, epoll, ownSets, pool, words, lot }, self, { maxConnections: 1000 });
  const acceptor = new Acceptor(context);
  const hasWork = () => load(scratch, threadWord(self, HAS_WORK)) === 1;
  /** A sleep with an end is over at once: the spec decides about time. */
  const sleep = (timeoutMs: number) =>
    timeoutMs === Number.POSITIVE_INFINITY && asleep(scratch, self, waitForDoorbell);
  /** The port that commands come through belongs to the loop, so only the doorbell may end this. */
  const waitForDoorbell = () => {
    while ((pollTwo(doorbell, -1, -1) & POLL_FIRST) === 0) {}
    resetEventCounter(doorbell);
    return true;
  };
  return {
    ...stressCommands(parts),
    ...queueCommands(parts),
    join: () => threadSet.join(),
    promote: () => threadSet.promoteNewLeader(),
    yield: () => threadSet.yieldLeadership(),
    aboutToBlock: () => {
      threadSet.aboutToBlock();
      return 0;
    },
    quit: () => {
      threadSet.leave();
      return 0;
    },
    park: () => threadSet.park(hasWork, sleep, Number.POSITIVE_INFINITY),
    parkDeferring: () => threadSet.park(hasWork, sleep, Number.POSITIVE_INFINITY, true),
    wake: (thread) => lot.wake(thread!),
    wakeOne: () => lot.wakeOne(),
    claim: (fd, generation, events) => table.claim(fd!, generation!, events!, self),
    leave: (fd) => table.leave(fd!),
    bind: (fd) => table.bind(fd!, self),
    unbind: (fd) => table.unbind(fd!),
    takeNoted: (fd, generation) => table.takeNoted(fd!, generation!, self),
    open: (fd) => table.open(fd!, 0),
    close: (fd) => {
      table.close(fd!);
      return 0;
    },
    /** Enters the listening handle and accepts. */
    accept: (fd, generation) => {
      const claimed = table.claim(fd!, generation!, READABLE, self);
      if (claimed === ENTERED) acceptor.handleEvent(fd!);
      return claimed;
    },
    closeConnection: (fd) => {
      closeConnection(context, fd!);
      return 0;
    },
    take: () => (handles.ready.take() ? handles.ready.fd : -1),
    refill: () => handles.ready.refill(),
    saveBlock: () => pool.save(Uint8Array.of(1), 0, 1),
    handOff: (thread, fd) => {
      new Mailbox(control, thread!).put(fd!, 0);
      return 0;
    },
    takeHandOff: () => (takeEntry(mailbox) ? mailbox.fd : -1),
    backendFd: () => loop.backendFd,
  };
}
