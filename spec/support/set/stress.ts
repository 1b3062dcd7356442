/** Loops of the participants' operations, for many threads at once. All of them begin at a barrier. */
import { BOUND, ENTERED, HAND_OFF, NOTED, READABLE } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { resetEventCounter } from '../../../lib/sys/descriptor.js';
import { POLL_FIRST, pollTwo } from '../../../lib/sys/epoll.js';
import { takeEntry } from './mailbox.js';
import type { Command, Parts } from './parts.js';
import {
  add,
  compareExchange,
  ENTRIES,
  enterAlone,
  exchange,
  leaveAlone,
  load,
  meet,
  OCCUPANT,
  PRODUCED,
  put,
  store,
  TALLY,
  VIOLATIONS,
  waitUntil,
} from './scratch.js';

export function stressCommands(parts: Parts): Record<string, Command> {
  return {
    elect: (threads, rounds) => elect(parts, threads!, rounds!),
    contend: (threads, fd, generation, rounds) => contend(parts, threads!, fd!, generation!, rounds!),
    produce: (consumer, first, count, rounds) => produce(parts, consumer!, first!, count!, rounds!),
    consume: (first, count) => consume(parts, first!, count!),
    useBlocks: (threads, rounds) => useBlocks(parts, threads!, rounds!),
  };
}

/** Leads `rounds` times. @returns how often it parked */
function elect({ self, scratch, threadSet, doorbell }: Parts, threads: number, rounds: number): number {
  const sleep = (timeoutMs: number) => {
    // Nothing but the doorbell: the port of the commands belongs to the loop.
    const rung = (pollTwo(doorbell, -1, timeoutMs) & POLL_FIRST) !== 0;
    if (rung) resetEventCounter(doorbell);
    return rung;
  };
  let parked = 0;
  meet(scratch, threads);
  for (let led = 0; led < rounds; ) {
    if (threadSet.join()) {
      led++;
      enterAlone(scratch, self);
      leaveAlone(scratch, self);
      threadSet.promoteNewLeader();
    } else {
      parked++;
      threadSet.park(() => false, sleep, Number.POSITIVE_INFINITY);
    }
  }
  return parked;
}

/** Claims a handle again and again and checks that it is alone inside. @returns events that it saw */
function contend(parts: Parts, threads: number, fd: number, generation: number, rounds: number): number {
  const { scratch, table, self } = parts;
  let seen = 0;
  meet(scratch, threads);
  for (let round = 0; round < rounds; round++) {
    add(scratch, ENTRIES + fd, 1);
    const result = table.claim(fd, generation, READABLE, self);
    if (result === NOTED || result === HAND_OFF) continue;
    if (result !== ENTERED) throw new Error(`claim said ${result}`);
    for (;;) {
      if (compareExchange(scratch, OCCUPANT + fd, 0, self + 1) !== 0) add(scratch, VIOLATIONS, 1);
      seen++;
      // This dispatch has seen all events up to now.
      store(scratch, TALLY + fd, load(scratch, ENTRIES + fd));
      exchange(scratch, OCCUPANT + fd, 0);
      // Bound or not, this thread has to process the events noted meanwhile.
      if (round % 3 === 0 && table.bind(fd, self) !== 0) continue;
      if (table.leave(fd) === 0) break;
    }
  }
  return seen;
}

/** As the leader does: notes events for handles bound to `consumer` and hands them off. @returns hand-offs */
function produce(
  { scratch, table, control }: Parts,
  consumer: number,
  first: number,
  count: number,
  rounds: number,
) {
  const mailbox = new Mailbox(control, consumer);
  let handOffs = 0;
  for (let round = 0; round < rounds; round++) {
    for (let fd = first; fd < first + count; fd++) {
      add(scratch, ENTRIES + fd, 1);
      if (table.claim(fd, table.generation(fd), READABLE, 0) !== HAND_OFF) continue;
      handOffs++;
      mailbox.put(fd, table.generation(fd));
    }
    // The first round overflows the mailbox before the consumer takes anything.
    put(scratch, PRODUCED, round + 1);
  }
  put(scratch, PRODUCED, -1);
  return handOffs;
}

/** As the owner does: takes hand-offs until the producer is done. @returns sweeps */
function consume({ scratch, table, mailbox, self }: Parts, first: number, count: number): number {
  let sweeps = 0;
  const look = (fd: number, generation: number) => {
    if (table.takeNoted(fd, generation, self) !== 0) store(scratch, TALLY + fd, load(scratch, ENTRIES + fd));
  };
  waitUntil(scratch, PRODUCED, (rounds) => rounds !== 0, 'the first round');
  for (;;) {
    const last = load(scratch, PRODUCED) === -1;
    while (takeEntry(mailbox)) look(mailbox.fd, mailbox.generation);
    if (mailbox.takeSweep()) {
      sweeps++;
      for (let fd = first; fd < first + count; fd++) {
        if (table.state(fd) === BOUND) look(fd, table.generation(fd));
      }
    }
    if (last && !mailbox.hasPending()) return sweeps;
  }
}

/** Saves and restores chains of many lengths and compares their contents. @returns chains saved */
function useBlocks({ scratch, pool, self }: Parts, threads: number, rounds: number): number {
  const source = new Uint8Array(20_000).map((_, index) => index * (self + 3));
  const target = new Uint8Array(source.length);
  const kept: { first: number; start: number; length: number }[] = [];
  meet(scratch, threads);
  for (let round = 0; round < rounds; round++) {
    const length = 1 + ((round * 7919) % 9000);
    kept.push({ first: pool.save(source, round % 5000, length), start: round % 5000, length });
    if (kept.length < 6) continue;
    const { first, start, length: bytes } = kept.splice(round % kept.length, 1)[0]!;
    if (round % 5 === 0) {
      pool.free(first);
      continue;
    }
    pool.restore(first, target, bytes);
    const same = Buffer.compare(target.subarray(0, bytes), source.subarray(start, start + bytes)) === 0;
    if (!same) add(scratch, VIOLATIONS, 1);
  }
  for (const { first } of kept) pool.free(first);
  return rounds;
}
