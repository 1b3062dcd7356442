/** I3, I4, I7: which thread may touch a handle, step by step. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { HANDLE_DEADLINE, HANDLE_FLAGS, HANDLE_WORDS } from '../../../lib/memory/layout.js';
import {
  BOUND,
  BROKEN,
  ENTERED,
  eventBits,
  FREE,
  HAND_OFF,
  HandleTable,
  IDLE,
  INSIDE,
  NOTED,
  PEER_ENDED,
  QUEUES,
  READABLE,
  STALE,
  WRITABLE,
} from '../../../lib/set/handle-table.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../../lib/sys/epoll.js';

const FD = 5;
const KIND = 3;

function opened(): { table: HandleTable; generation: number } {
  const table = new HandleTable(allocateMemory(1, 16).handles);
  return { table, generation: reopen(table) };
}

/** Opens the number, and leaves it as its registration does in the end. */
function reopen(table: HandleTable, kind = KIND): number {
  const generation = table.open(FD, kind);
  assert.is(table.leave(FD), 0);
  return generation;
}

test('an event enters an idle handle, and its thread is the owner', () => {
  const { table, generation } = opened();
  assert.is(table.state(FD), IDLE);
  assert.is(table.kind(FD), KIND);
  for (const self of [0, 1, 127]) {
    assert.is(table.claim(FD, generation, READABLE, self), ENTERED);
    assert.is(table.state(FD), INSIDE);
    assert.is(table.owner(FD), self);
    assert.is(table.leave(FD), 0, 'the event that it entered with is not noted');
    assert.is(table.state(FD), IDLE);
  }
});

test('every event that comes while a thread is inside is given to it before it leaves', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, READABLE, 1);
  for (const events of [READABLE, WRITABLE, PEER_ENDED, BROKEN, READABLE | BROKEN]) {
    assert.is(table.claim(FD, generation, events, 2), NOTED);
    assert.is(table.leave(FD), events);
    assert.is(table.state(FD), INSIDE, 'it is still inside');
    assert.is(table.owner(FD), 1);
  }
  table.claim(FD, generation, READABLE, 2);
  table.claim(FD, generation, PEER_ENDED, 3);
  assert.is(table.leave(FD), READABLE | PEER_ENDED);
  assert.is(table.leave(FD), 0);
});

test('an I/O thread enters no handle: the event of an idle one is for a worker, others are noted', () => {
  const { table, generation } = opened();
  assert.is(table.route(FD, generation, READABLE), QUEUES);
  assert.is(table.state(FD), IDLE, 'nothing has changed');
  assert.is(table.claim(FD, generation, READABLE, 1), ENTERED);
  assert.is(table.route(FD, generation, WRITABLE), NOTED);
  assert.is(table.leave(FD), WRITABLE);
  assert.is(table.bind(FD, 1), 0);
  assert.is(table.route(FD, generation, READABLE), HAND_OFF);
  assert.is(table.handOffTo, 1);
  assert.is(table.route(FD, generation, PEER_ENDED), NOTED, 'it is in the mailbox already');
  assert.is(table.takeNoted(FD, generation, 1), READABLE | PEER_ENDED);
  table.close(FD);
  assert.is(table.route(FD, generation, READABLE), STALE);
  const next = reopen(table);
  assert.is(table.route(FD, generation, READABLE), STALE);
  assert.is(table.route(FD, next, READABLE), QUEUES);
});

test('a bound handle hands off once, until its thread has taken what was noted', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, READABLE, 1);
  assert.is(table.bind(FD, 1), 0);
  assert.is(table.state(FD), BOUND);
  assert.is(table.owner(FD), 1);
  assert.is(table.claim(FD, generation, READABLE, 2), HAND_OFF);
  assert.is(table.claim(FD, generation, WRITABLE, 3), NOTED, 'it is in the mailbox already');
  assert.is(table.takeNoted(FD, generation, 1), READABLE | WRITABLE);
  assert.is(table.takeNoted(FD, generation, 1), 0);
  assert.is(table.claim(FD, generation, PEER_ENDED, 2), HAND_OFF, 'and can be handed off again');
  assert.is(table.unbind(FD), PEER_ENDED, 'the thread sees it without its mailbox, too');
  assert.is(table.state(FD), BOUND);
  assert.is(table.takeNoted(FD, generation, 1), 0, 'the entry in the mailbox finds nothing');
  assert.is(table.unbind(FD), 0);
  assert.is(table.state(FD), IDLE);
  assert.is(table.claim(FD, generation, READABLE, 0), ENTERED);
});

test('a handle is entered without an event only while no thread has it, and in its generation', () => {
  const { table, generation } = opened();
  assert.is(table.enterIdle(FD, generation + 1, 2), false, 'a stale generation');
  assert.is(table.enterIdle(FD, generation, 2), true);
  assert.is(table.state(FD), INSIDE);
  assert.is(table.owner(FD), 2);
  assert.is(table.enterIdle(FD, generation, 3), false, 'a thread is inside');
  assert.is(table.claim(FD, generation, READABLE, 3), NOTED);
  assert.is(table.leave(FD), READABLE, 'and is told of events like any other');
  assert.is(table.bind(FD, 2), 0);
  assert.is(table.enterIdle(FD, generation, 3), false, 'it is bound');
  assert.is(table.unbind(FD), 0);
  assert.is(table.enterIdle(FD, generation, 3), true);
  table.close(FD);
  assert.is(table.enterIdle(FD, generation, 3), false, 'it is closed');
});

test('what was noted before the binding is returned by it', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, READABLE, 1);
  table.claim(FD, generation, READABLE | PEER_ENDED, 2);
  assert.is(table.bind(FD, 1), READABLE | PEER_ENDED);
  assert.is(table.unbind(FD), 0);
});

test('noted events are taken by the thread that the handle is bound to, in that generation', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, READABLE, 1);
  table.claim(FD, generation, READABLE, 2);
  assert.is(table.takeNoted(FD, generation, 1), 0, 'inside is not bound');
  table.bind(FD, 1);
  table.claim(FD, generation, READABLE, 2);
  assert.is(table.takeNoted(FD, generation, 2), 0, 'another thread');
  assert.is(table.takeNoted(FD, generation + 1, 1), 0, 'another generation');
  assert.is(table.takeNoted(FD, generation, 1), READABLE);
});

test('events of an earlier generation are stale, whatever state the number is in now', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, READABLE, 1);
  table.close(FD);
  assert.is(table.state(FD), FREE);
  assert.is(table.claim(FD, generation, READABLE, 2), STALE);
  const second = reopen(table);
  assert.is.not(second, generation);
  assert.is(table.generation(FD), second);
  const states = [() => {}, () => table.claim(FD, second, 0, 1), () => table.bind(FD, 1)];
  for (const next of states) {
    next();
    const before = table.state(FD);
    assert.is(table.claim(FD, generation, READABLE, 2), STALE);
    assert.is(table.state(FD), before);
  }
  assert.is(table.unbind(FD), 0, 'nothing of it was noted');
});

test('no thread enters a closed handle, and nothing is left of its generation', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, READABLE, 1);
  table.bind(FD, 1);
  table.claim(FD, generation, READABLE, 2);
  table.words[FD * HANDLE_WORDS + HANDLE_FLAGS] = 7;
  table.close(FD);
  for (const events of [0, READABLE]) assert.is(table.claim(FD, generation, events, 2), STALE);
  assert.is(table.takeNoted(FD, generation, 1), 0);
  const next = reopen(table, KIND + 1);
  assert.is(table.kind(FD), KIND + 1);
  assert.is(table.words[FD * HANDLE_WORDS + HANDLE_FLAGS], 0);
  assert.is(table.claim(FD, next, READABLE, 2), ENTERED);
  assert.is(table.leave(FD), 0);
});

test('no thread enters a handle while it is being registered, and events are noted meanwhile', () => {
  const { table } = opened();
  table.close(FD);
  const generation = table.open(FD, KIND, 0, 6);
  assert.is(table.owner(FD), 6);
  assert.is(table.claim(FD, generation, READABLE, 2), NOTED);
  assert.is(table.leave(FD), READABLE);
  assert.is(table.leave(FD), 0);
  assert.is(table.owner(FD), -1, 'it has no owner now');
});

test('a handle is opened once and closed once', () => {
  const { table } = opened();
  assert.throws(() => table.open(FD, KIND), /in the table already/);
  table.close(FD);
  assert.throws(() => table.close(FD), /closed already/);
});

test('generations wrap after 65536 and stay within their bits', () => {
  const { table } = opened();
  const first = table.generation(FD);
  let before = first;
  for (let reopenings = 1; reopenings < 0x1_0000; reopenings++) {
    table.close(FD);
    const generation = reopen(table);
    assert.ok(generation !== before && generation >= 0 && generation <= 0xffff);
    before = generation;
    assert.is(table.claim(FD, generation, READABLE, 127), ENTERED);
  }
  table.close(FD);
  assert.is(reopen(table), first);
});

test('neighbours are untouched', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, 15, 127);
  for (const fd of [FD - 1, FD + 1]) {
    assert.is(table.state(fd), FREE);
    assert.ok(table.words.subarray(fd * HANDLE_WORDS, (fd + 1) * HANDLE_WORDS).every((word) => word === 0));
  }
  assert.is(table.capacity, 16);
});

test("epoll's bits become those of event handlers", () => {
  assert.is(eventBits(EPOLLIN), READABLE);
  assert.is(eventBits(EPOLLOUT), WRITABLE);
  assert.is(eventBits(EPOLLRDHUP), PEER_ENDED);
  assert.is(eventBits(EPOLLERR), BROKEN);
  assert.is(eventBits(EPOLLHUP), BROKEN);
  assert.is(eventBits(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP), 15);
});

test('a handle that was abandoned is idle in the same generation, and free of its thread', () => {
  const { table, generation } = opened();
  table.claim(FD, generation, READABLE, 9);
  table.claim(FD, generation, READABLE, 2);
  table.abandon(FD);
  assert.is(table.state(FD), IDLE);
  assert.is(table.claim(FD, generation, READABLE, 3), ENTERED);
  assert.is(table.leave(FD), 0);
});

test('a closed handle has no deadline: the timeouts would find its number due again and again', () => {
  const table = new HandleTable(allocateMemory(1, 16).handles);
  table.open(FD, KIND, 77, 0);
  assert.is(table.words[FD * HANDLE_WORDS + HANDLE_DEADLINE], 77);
  table.close(FD);
  assert.is(table.words[FD * HANDLE_WORDS + HANDLE_DEADLINE], 0);
});

test.run();
