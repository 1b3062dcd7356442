/** Which thread a connection is handed over to: one on which nobody depends, or a host. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CURRENT_FD,
  ENGAGED,
  LEADER,
  PARKED,
  RESERVED,
  STATE,
  threadArea,
  WAKING,
} from '../../../lib/memory/layout.js';
import { hostsOf } from '../../../lib/set/engagement.js';
import { DEAD, FOLLOWER, LEADER_STATE, PROCESSING, STARTING } from '../../../lib/set/thread-state.js';
import { range } from '../../support/server/wait.js';
import { takeCount } from '../../support/set/native.js';
import { load } from '../../support/set/scratch.js';
import { TestSet } from '../../support/set/test-set.js';

/** What a thread does: P parked, A awake and inside no connection, I inside one, L leads, S starting, D dead. */
type Activity = 'P' | 'A' | 'I' | 'L' | 'S' | 'D';

const STATES = {
  P: FOLLOWER,
  A: PROCESSING,
  I: PROCESSING,
  L: LEADER_STATE,
  S: STARTING,
  D: DEAD,
};

/** Threads by what they do, followed by `e` for engaged and `r` for reserved: "P Ae Ir" are three. */
function setOf(threads: string): TestSet {
  const described = threads.split(' ');
  const set = new TestSet(described.length);
  const setBit = (mask: number, thread: number) => {
    set.words[mask + (thread >> 5)]! |= 1 << (thread & 31);
  };
  for (const [thread, description] of described.entries()) {
    const activity = description[0] as Activity;
    set.words[threadArea(thread) + STATE] = STATES[activity];
    set.words[threadArea(thread) + CURRENT_FD] = activity === 'I' ? 3 : -1;
    if (activity === 'P') setBit(PARKED, thread);
    if (activity === 'L') set.words[LEADER] = thread + 1;
    if (description.includes('e')) setBit(ENGAGED, thread);
    if (description.includes('r')) setBit(RESERVED, thread);
  }
  return set;
}

const many = (count: number, description: string): string =>
  range(count)
    .map(() => description)
    .join(' ');

/** The thread that is claimed, -1 for none; and whether one is free, for a thread that does not lead. */
const CASES: readonly (readonly [threads: string, claimed: number, free: boolean])[] = [
  ['I', -1, false],
  ['I P', 1, true],
  // Parked ones, the highest first.
  ['I P P', 2, true],
  ['P P I', 1, true],
  // Engaged ones never.
  ['I Pe', -1, false],
  ['I P Pe', 1, true],
  ['I Ae Per Ie', -1, false],
  // Reserved ones after those that are not.
  ['I P Pr', 1, true],
  ['I Pr Pr', 2, true],
  ['I Pr Pe', 1, true],
  // Awake ones after all that are parked.
  ['I P A', 1, true],
  ['I Pr A', 1, true],
  ['I A A', 2, true],
  ['I A Ar', 1, true],
  ['I Ar', -1, false],
  // Not inside a connection.
  ['I A I', 1, true],
  ['I I I', -1, false],
  // The leader takes no entry, but a connection that is left to it.
  ['I L', -1, true],
  ['I Le', -1, false],
  ['I Lr', -1, true],
  ['I P L', 1, true],
  ['I Le P', 2, true],
  // Those that do not serve.
  ['I S D', -1, false],
  // Bits in other words of the masks.
  [`${many(33, 'I')} P ${many(6, 'I')}`, 33, true],
  [`${many(31, 'I')} P ${many(8, 'Pe')}`, 31, true],
  [`P ${many(63, 'Pe')} Pr ${many(10, 'Ie')}`, 0, true],
  [`P ${many(94, 'Pe')} P Pr ${many(31, 'A')}`, 95, true],
  [many(128, 'Pe'), -1, false],
  [many(128, 'P'), 127, true],
];

/** A claimed thread is no longer parked, and is woken by a ring alone. */
function assertClaimed(set: TestSet, claimed: number, parked: number[], expected: number): void {
  assert.is(claimed, expected);
  assert.equal(
    set.parked(),
    parked.filter((thread) => thread !== claimed),
    'one that is parked cannot be claimed again',
  );
  assert.is(load(set.words, WAKING), 0, 'that is no promotion');
  if (claimed >= 0) set.lot.ring(claimed);
  assert.equal(
    set.doorbells.map(takeCount),
    range(set.count).map((thread) => Number(thread === claimed)),
  );
}

for (const [threads, claimed, free] of CASES) {
  const name = threads.length > 20 ? `${threads.slice(0, 17)}… (${threads.split(' ').length})` : threads;
  test(`${name}: ${claimed < 0 ? 'no thread' : `thread ${claimed}`} is claimed`, async () => {
    const set = setOf(threads);
    const parked = set.parked();
    assert.is(set.lot.someoneIsFree(), free);
    assert.equal(set.parked(), parked, 'that was a look');
    assertClaimed(set, set.lot.claimFree(), parked, claimed);
    await set.close();
  });
}

test('claims go to one parked thread after the other', async () => {
  const set = setOf('I Pr P Pe P Ir');
  assert.equal(
    range(4).map(() => set.lot.claimFree()),
    [4, 2, 1, 4],
    'at last one that is awake by now',
  );
  await set.close();
});

// ---- hosts ---------------------------------------------------------------------------------------------------------------

/** The host that is claimed, -1 for none. */
const HOST_CASES: readonly (readonly [threads: string, claimed: number])[] = [
  // Of two threads one is a host.
  ['P P', 0],
  ['A P', 0],
  ['I P', -1],
  ['I A', -1],
  ['L P', -1],
  // Of three there are two, where there are as many cores. Parked ones, the lowest first.
  ['P P P', 0],
  ['I P P', 1],
  ['L P P', 1],
  // Awake ones after all that are parked.
  ['A P P', 1],
  ['A A P', 0],
  ['I A P', 1],
  // Whatever depends on them.
  ['Pe P I', 0],
  ['Pr P I', 0],
  ['A Per I', 1],
  // Not inside a connection, leading, or out of service.
  ['I I P', -1],
  ['L I A', -1],
  ['S D P', -1],
];

for (const [threads, claimed] of HOST_CASES) {
  const count = threads.split(' ').length;
  // On a machine with a single core there is one host.
  const testHosts = hostsOf(count) === count - 1 ? test : test.skip;
  testHosts(`${threads}: ${claimed < 0 ? 'no host' : `host ${claimed}`} is claimed`, async () => {
    const set = setOf(threads);
    const parked = set.parked();
    assert.is(set.lot.someHostIsFree(), claimed >= 0);
    assert.equal(set.parked(), parked, 'that was a look');
    assertClaimed(set, set.lot.claimHost(), parked, claimed);
    await set.close();
  });
}

test.run();
