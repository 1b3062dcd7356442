/** Hand-offs: in order, bounded, and never lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import {
  MAILBOX_CAPACITY,
  MAILBOX_ENTRIES,
  MAILBOX_PUT,
  MAILBOX_TAKEN,
  threadArea,
} from '../../../lib/memory/layout.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { takeEntry } from '../../support/set/mailbox.js';
import { ASLEEP, HAS_WORK, put, threadWord } from '../../support/set/scratch.js';
import { observingOperations } from '../../support/set/steps.js';
import { type TestThread, withSet } from '../../support/set/test-set.js';

const { control } = allocateMemory(2, 1);
const words = new Int32Array(control);

/** Empty, with both counts at `count`. */
function emptyMailbox(count = 0): Mailbox {
  words.fill(0);
  for (const word of [MAILBOX_PUT, MAILBOX_TAKEN]) words[threadArea(1) + word] = count;
  return new Mailbox(control, 1);
}

function takeAll(mailbox: Mailbox): [number, number][] {
  const entries: [number, number][] = [];
  while (takeEntry(mailbox)) entries.push([mailbox.fd, mailbox.generation]);
  return entries;
}

test('entries come out in order, each once', () => {
  const mailbox = emptyMailbox();
  assert.not(mailbox.hasPending());
  assert.not(takeEntry(mailbox));
  mailbox.put(7, 1);
  mailbox.put(8, 0xffff);
  assert.ok(mailbox.hasPending());
  assert.equal(takeAll(mailbox), [
    [7, 1],
    [8, 0xffff],
  ]);
  assert.not(mailbox.hasPending());
});

test('a mailbox goes on past the end of its ring and past the largest count', () => {
  const mailbox = emptyMailbox(0x7fff_ffff - 100);
  for (let round = 0; round < 10; round++) {
    const sent = Array.from({ length: 100 }, (_, index): [number, number] => [index, round]);
    for (const [fd, generation] of sent) mailbox.put(fd, generation);
    assert.equal(takeAll(mailbox), sent);
    assert.not(mailbox.takeSweep());
  }
});

test('what does not fit asks for a sweep, and what is there stays', () => {
  const mailbox = emptyMailbox();
  for (let fd = 0; fd < MAILBOX_CAPACITY; fd++) mailbox.put(fd, 1);
  assert.not(mailbox.takeSweep(), 'it is full, and nothing is lost yet');
  mailbox.put(999, 1);
  assert.ok(mailbox.hasPending());
  const entries = takeAll(mailbox);
  assert.is(entries.length, MAILBOX_CAPACITY);
  assert.ok(entries.every(([fd], index) => fd === index));
  assert.ok(mailbox.hasPending(), 'the sweep is waiting still');
  assert.ok(mailbox.takeSweep());
  assert.not(mailbox.takeSweep(), 'once');
  assert.not(mailbox.hasPending());
});

test('an entry says whether it is a hand-over, whatever the generation', () => {
  const mailbox = emptyMailbox();
  const sent: [number, boolean][] = [0, 1, 0x8000, 0xffff].flatMap((generation): [number, boolean][] => [
    [generation, true],
    [generation, false],
  ]);
  for (const [generation, isHandOver] of sent) mailbox.put(7, generation, isHandOver);
  mailbox.put(7, 5);
  const taken: [number, boolean][] = [];
  while (takeEntry(mailbox)) taken.push([mailbox.generation, mailbox.isHandOver]);
  assert.equal(taken, [...sent, [5, false]]);
});

test('an entry that is only looked at stays, and is discarded with the mailbox', () => {
  const mailbox = emptyMailbox(0x7fff_ffff);
  mailbox.put(7, 1, true);
  mailbox.put(8, 2);
  for (const _look of [1, 2]) {
    assert.ok(mailbox.peek());
    assert.equal([mailbox.fd, mailbox.generation, mailbox.isHandOver], [7, 1, true]);
    assert.ok(mailbox.hasPending());
    assert.ok(mailbox.hasPendingHint());
  }
  mailbox.remove();
  assert.ok(mailbox.peek());
  assert.equal([mailbox.fd, mailbox.generation, mailbox.isHandOver], [8, 2, false]);
  assert.ok(mailbox.clear(), 'the second was not removed');
  assert.not(mailbox.peek());
});

test('an entry is whole when it is counted, and its place is free only when it has been read', () => {
  const mailbox = emptyMailbox();
  const other = new Mailbox(control, 1);
  let taken: number[] = [];
  const takeAtOnce = (name: string, index: number) => {
    if (name === 'store' && index === threadArea(1) + MAILBOX_PUT && takeEntry(other))
      taken = [other.fd, other.generation];
  };
  observingOperations(takeAtOnce, () => mailbox.put(7, 3));
  assert.equal(taken, [7, 3]);
  mailbox.put(8, 4);
  const overwrite = (name: string, index: number) => {
    if (name === 'store' && index === threadArea(1) + MAILBOX_TAKEN)
      words.fill(-1, threadArea(1) + MAILBOX_ENTRIES);
  };
  assert.ok(observingOperations(overwrite, () => takeEntry(mailbox)));
  assert.equal([mailbox.fd, mailbox.generation], [8, 4]);
});

test('clearing a mailbox says whether there was an entry', () => {
  const mailbox = emptyMailbox(0x7fff_ffff);
  assert.not(mailbox.clear());
  mailbox.requestSweep();
  assert.not(mailbox.clear(), 'a sweep is about bound handles, which end with their thread');
  mailbox.put(7, 1);
  assert.ok(mailbox.clear());
  assert.not(mailbox.clear(), 'once');
  mailbox.put(8, 1);
  takeEntry(mailbox);
  assert.not(mailbox.clear(), 'it was taken');
  for (let fd = 0; fd < MAILBOX_CAPACITY; fd++) mailbox.put(fd, 1);
  assert.ok(mailbox.clear());
});

test('a mailbox is of one thread, and clearing it leaves nothing to a successor', () => {
  const mailbox = emptyMailbox();
  mailbox.put(7, 1);
  mailbox.requestSweep();
  assert.not(new Mailbox(control, 0).hasPending());
  mailbox.clear();
  assert.not(mailbox.hasPending());
  assert.equal(takeAll(mailbox), []);
});

test(
  'a parked owner is woken for its hand-off',
  withSet(2, async (set) => {
    const [leader, owner] = (await set.startAll()) as [TestThread, TestThread];
    leader.run('join');
    for (const fd of [40, 41]) {
      assert.is(owner.begin('park').settle(), ASLEEP);
      leader.run('handOff', owner.self, fd);
      put(set.scratch, threadWord(owner.self, HAS_WORK), 1);
      assert.is(leader.run('wake', owner.self), 1);
      owner.result();
      assert.is(owner.run('takeHandOff'), fd);
      put(set.scratch, threadWord(owner.self, HAS_WORK), 0);
    }
  }),
);

test.run();
