/** Commands of the request queue, and loops of them for many threads at once. */
import { QueueWakeUps } from '../../../lib/set/queue-wake-ups.js';
import { RequestQueue } from '../../../lib/set/request-queue.js';
import { resetEventCounter } from '../../../lib/sys/descriptor.js';
import { POLL_FIRST, pollTwo } from '../../../lib/sys/epoll.js';
import type { Command, Parts } from './parts.js';
import { add, load, meet, PRODUCED, put, TALLY } from './scratch.js';
import { asleep } from './steps.js';

export function queueCommands(parts: Parts): Record<string, Command> {
  const { control, self, lot, doorbell, scratch } = parts;
  const queue = new RequestQueue(control, self);
  const wakeUps = new QueueWakeUps(control, lot, queue);
  const park = (mustStayAwake: () => boolean) => {
    const sleep = () => {
      while ((pollTwo(doorbell, -1, -1) & POLL_FIRST) === 0) {}
      resetEventCounter(doorbell);
    };
    // A ring from before would end this sleep at once.
    resetEventCounter(doorbell);
    lot.park(self, mustStayAwake, () => asleep(scratch, self, sleep));
    return 0;
  };
  return {
    putEntry: (fd, generation = 0, events = 1) => queue.put(fd!, generation, events, 0),
    takeEntry: () => (queue.take() ? queue.fd : -1),
    settleEntry: () => {
      queue.settled();
      return 0;
    },
    /** As the I/O thread and the workers do, with their wake-ups. */
    putAndWake: (fd) => wakeUps.put(queue.put(fd!, 0, 1, 0), 0),
    takeAndWake: () => {
      if (!queue.take()) return -1;
      queue.settled();
      wakeUps.madeRoom();
      return queue.fd;
    },
    parkWithoutEntry: () => park(() => queue.hasEntry()),
    parkWithoutRoom: () => {
      wakeUps.awaitRoom();
      park(() => wakeUps.hasRoom());
      wakeUps.endWaitForRoom();
      return 0;
    },
    fillQueue: (threads, count) => fill(parts, queue, threads!, count!),
    emptyQueue: (threads) => empty(parts, queue, threads!),
  };
}

/** As the I/O thread: puts `count` entries, numbered in their generation and events as far as these go. @returns how often the queue was full */
function fill({ scratch }: Parts, queue: RequestQueue, threads: number, count: number): number {
  let full = 0;
  meet(scratch, threads);
  for (let entry = 0; entry < count; ) {
    if (queue.put(entry & 1023, entry & 0xffff, entry & 31, entry) > 0) entry++;
    else full++;
  }
  put(scratch, PRODUCED, -1);
  return full;
}

/** As a worker: takes entries until the producer is done and there is none, and counts each by its descriptor. @returns those that were torn */
function empty({ scratch }: Parts, queue: RequestQueue, threads: number): number {
  let torn = 0;
  let last = -1;
  meet(scratch, threads);
  for (;;) {
    const done = load(scratch, PRODUCED) === -1;
    while (queue.take()) {
      const entry = queue.micros;
      const whole =
        queue.fd === (entry & 1023) && queue.generation === (entry & 0xffff) && queue.events === (entry & 31);
      // What one worker takes comes in order.
      if (!whole || entry <= last) torn++;
      last = entry;
      add(scratch, TALLY + queue.fd, 1);
      queue.settled();
    }
    if (done) return torn;
  }
}
