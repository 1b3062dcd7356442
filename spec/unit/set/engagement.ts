/** Engagement: what makes others depend on a thread, and what a thread leaves to the hosts then. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory, ENGAGED, HOST_LED, PARKED, RESERVED, WAKING } from '../../../lib/memory/layout.js';
import {
  clearEngagement,
  Engagement,
  hostsOf,
  NO_DEPENDANT,
  WAITS,
  WAITS_TO_BLOCK,
} from '../../../lib/set/engagement.js';
import { range } from '../../support/server/wait.js';
import { TestSet } from '../../support/set/test-set.js';

/** As in lib/set/engagement.ts. */
const IO_WINDOW = 50_000;
const HOSTS_STUCK = 5000;
const NO_TIMER = -1;

/** Threads with a number of cores of their own, and the masks that they share. */
class TestThreads {
  readonly control: SharedArrayBuffer;
  readonly words: Int32Array;
  /** Of every thread. */
  timeoutMs = NO_TIMER;

  constructor(
    readonly threads: number,
    readonly cores: number,
  ) {
    this.control = allocateMemory(threads, 1).control;
    this.words = new Int32Array(this.control);
  }

  engagement(self: number): Engagement {
    const { control, threads, cores } = this;
    return new Engagement(control, self, { threads, cores, timeoutMs: () => this.timeoutMs });
  }

  put(mask: number, ...threads: number[]): this {
    for (const thread of threads) this.words[mask + (thread >> 5)]! |= 1 << (thread & 31);
    return this;
  }

  in(mask: number): number[] {
    return range(128).filter((thread) => (this.words[mask + (thread >> 5)]! & (1 << (thread & 31))) !== 0);
  }

  masks(): { engaged: number[]; reserved: number[] } {
    return { engaged: this.in(ENGAGED), reserved: this.in(RESERVED) };
  }
}

const NOBODY = { engaged: [], reserved: [] };

// ---- what depends on a thread --------------------------------------------------------------------------------------------

test('a thread is engaged at once when something begins to wait, and free once it publishes that nothing does', () => {
  const set = new TestThreads(4, 2);
  const engagement = set.engagement(1);
  assert.not(engagement.isEngaged(0));
  engagement.change(NO_DEPENDANT, WAITS);
  assert.equal(set.masks(), { engaged: [1], reserved: [] });
  engagement.change(NO_DEPENDANT, WAITS);
  engagement.change(WAITS, NO_DEPENDANT);
  engagement.publish(0);
  assert.equal(set.masks(), { engaged: [1], reserved: [] }, 'one of two is left');
  engagement.change(WAITS, NO_DEPENDANT);
  assert.not(engagement.isEngaged(0));
  assert.equal(set.masks(), { engaged: [1], reserved: [] }, 'only those of parked threads are decided upon');
  engagement.publish(0);
  assert.equal(set.masks(), NOBODY);
  engagement.change(NO_DEPENDANT, WAITS);
  assert.equal(set.masks(), { engaged: [1], reserved: [] }, 'and once more');
});

test('a handler known to block that is pending makes its thread reserved, not engaged', () => {
  const set = new TestThreads(4, 2);
  const engagement = set.engagement(2);
  engagement.change(NO_DEPENDANT, WAITS_TO_BLOCK);
  assert.not(engagement.isEngaged(0));
  assert.equal(set.in(ENGAGED), []);
  engagement.publish(0);
  assert.equal(set.masks(), { engaged: [], reserved: [2] });
  engagement.change(WAITS_TO_BLOCK, WAITS);
  assert.equal(set.masks(), { engaged: [2], reserved: [2] });
  engagement.publish(0);
  assert.equal(set.masks(), { engaged: [2], reserved: [] });
  engagement.change(NO_DEPENDANT, WAITS_TO_BLOCK);
  engagement.publish(0);
  assert.equal(set.masks(), { engaged: [2], reserved: [2] }, 'both');
  engagement.change(WAITS, WAITS_TO_BLOCK);
  engagement.publish(0);
  assert.equal(set.masks(), { engaged: [], reserved: [2] });
  for (const _dependant of range(2)) engagement.change(WAITS_TO_BLOCK, NO_DEPENDANT);
  engagement.publish(0);
  assert.equal(set.masks(), NOBODY);
});

test('what the caller itself makes of the thread does not count', () => {
  const engagement = new TestThreads(4, 2).engagement(0);
  engagement.change(NO_DEPENDANT, WAITS);
  assert.ok(engagement.isEngaged(0));
  assert.ok(engagement.isEngaged(0, NO_DEPENDANT));
  assert.ok(engagement.isEngaged(0, WAITS_TO_BLOCK));
  assert.not(engagement.isEngaged(0, WAITS));
  engagement.change(NO_DEPENDANT, WAITS);
  assert.ok(engagement.isEngaged(0, WAITS), 'another one waits');
});

for (const [timeoutMs, engaged] of [
  [NO_TIMER, false],
  [1, true],
  [50, true],
  [51, false],
  [1e6, false],
] as const) {
  test(`a thread whose next timer is due in ${timeoutMs} ms is ${engaged ? '' : 'not '}engaged`, () => {
    const set = new TestThreads(4, 2);
    const engagement = set.engagement(3);
    set.timeoutMs = timeoutMs;
    assert.is(engagement.isEngaged(0), engaged);
    assert.is(engagement.isEngaged(0, WAITS), engaged);
    engagement.publish(0);
    assert.equal(set.in(ENGAGED), engaged ? [3] : []);
    set.timeoutMs = NO_TIMER;
    engagement.publish(0);
    assert.equal(set.in(ENGAGED), []);
  });
}

test('own I/O makes a thread engaged in the second of two windows in a row, and for one window more', () => {
  const engagement = new TestThreads(4, 2).engagement(0);
  // The clock of a machine that has run for a year.
  const first = 365 * 86_400e6;
  const at = (window: number) => first + (window + 0.5) * IO_WINDOW;
  for (const _often of range(10)) engagement.hadIo(at(0));
  assert.not(engagement.isEngaged(at(0)), 'however often');
  assert.not(engagement.isEngaged(at(1)));
  engagement.hadIo(at(2));
  assert.not(engagement.isEngaged(at(2)), 'a window without any was in between');
  engagement.hadIo(at(3));
  assert.ok(engagement.isEngaged(at(3)));
  for (const _often of range(10)) engagement.hadIo(at(3));
  assert.ok(engagement.isEngaged(at(4)), 'it may come still');
  assert.not(engagement.isEngaged(at(5)));
  engagement.hadIo(at(6));
  assert.not(engagement.isEngaged(at(6)), 'it begins anew');
});

test('own I/O is published with the rest', () => {
  const set = new TestThreads(4, 2);
  const engagement = set.engagement(0);
  for (const window of range(2)) engagement.hadIo(window * IO_WINDOW);
  engagement.publish(IO_WINDOW);
  assert.equal(set.in(ENGAGED), [0]);
  engagement.publish(4 * IO_WINDOW);
  assert.equal(set.in(ENGAGED), []);
});

test('the bits of 128 threads are their own', () => {
  const set = new TestThreads(128, 4);
  const some = [0, 31, 32, 63, 64, 95, 96, 127];
  for (const self of some) {
    const engagement = set.engagement(self);
    engagement.change(NO_DEPENDANT, WAITS);
    engagement.change(NO_DEPENDANT, WAITS_TO_BLOCK);
    engagement.publish(0);
  }
  assert.equal(set.masks(), { engaged: some, reserved: some });
  for (const [index, dead] of some.entries()) {
    clearEngagement(set.control, dead);
    const rest = some.slice(index + 1);
    assert.equal(set.masks(), { engaged: rest, reserved: rest }, `thread ${dead} is dead`);
  }
});

// ---- what is left to the hosts -------------------------------------------------------------------------------------------

test('there is a host for each core, and one thread is none where there are two', () => {
  const hosts = (threads: number, cores: number) => hostsOf(threads, cores);
  assert.equal(
    [1, 2, 3, 4, 8, 128].map((threads) => hosts(threads, 2)),
    [1, 1, 2, 2, 2, 2],
  );
  assert.equal(
    [1, 2, 3, 4, 8].map((threads) => hosts(threads, 1)),
    [1, 1, 1, 1, 1],
  );
  assert.equal(
    [1, 2, 8, 9, 12, 128].map((threads) => hosts(threads, 8)),
    [1, 1, 7, 8, 8, 8],
  );
  assert.is(hosts(128, 256), 127);
});

interface Situation {
  readonly isHost: boolean;
  readonly coresAreHosted: boolean;
  readonly anyEngaged: boolean;
  readonly hostIsParked: boolean;
  readonly hostLedLately: boolean;
}

/** Every combination, for sets in which hosts and others have their bits in different words of a mask, too. */
function forEachSituation(check: (engagement: Engagement, now: number, situation: Situation) => void): void {
  const sets: [threads: number, hosted: number, cores: number][] = [
    [4, 2, 2],
    [4, 3, 8],
    [40, 33, 33],
    [128, 127, 200],
    [128, 32, 32],
    [128, 64, 64],
  ];
  for (const [threads, hosts, cores] of sets) {
    for (const self of [0, hosts - 1, hosts, threads - 1]) {
      for (const bits of range(8)) {
        const set = new TestThreads(threads, cores);
        const [anyEngaged, hostIsParked, hostLedLately] = [1, 2, 4].map((bit) => (bits & bit) !== 0);
        // All threads that are no hosts are parked, which is of no importance.
        set.put(PARKED, ...range(threads - hosts).map((other) => hosts + other));
        if (anyEngaged) set.put(ENGAGED, bits & 2 ? 0 : threads - 1);
        if (hostIsParked) set.put(PARKED, hosts - 1);
        const now = 1e9;
        set.words[HOST_LED] = now - (hostLedLately ? HOSTS_STUCK - 1 : HOSTS_STUCK);
        check(set.engagement(self), now, {
          isHost: self < hosts,
          coresAreHosted: hosts >= cores,
          anyEngaged: anyEngaged!,
          hostIsParked: hostIsParked!,
          hostLedLately: hostLedLately!,
        });
      }
    }
  }
}

test('a thread yields leadership if it is no host, a thread is engaged, and a host is parked', () => {
  forEachSituation((engagement, _now, situation) => {
    const { isHost, anyEngaged, hostIsParked } = situation;
    assert.is(engagement.yields(), !isHost && anyEngaged && hostIsParked, JSON.stringify(situation));
  });
});

test('a thread yields only if a host is promoted then, whichever threads are parked and reserved', async () => {
  const set = new TestSet(4);
  const others = { threads: 4, cores: 2, timeoutMs: () => NO_TIMER };
  const engagement = new Engagement(set.memory.control, 3, others);
  set.words[ENGAGED] = 1 << 3;
  let yielded = 0;
  for (const parked of range(8)) {
    for (const reserved of range(8)) {
      [set.words[PARKED], set.words[RESERVED], set.words[WAKING]] = [parked, reserved, 0];
      const yields = engagement.yields();
      set.lot.wakeOne();
      const promoted = set.words[WAKING]! - 1;
      const isFreeHost = (parked & ~reserved & 3) !== 0;
      assert.is(yields, isFreeHost, `parked ${parked}, reserved ${reserved}`);
      if (yields) assert.ok(promoted === 0 || promoted === 1, `thread ${promoted}`);
      yielded += Number(yields);
    }
  }
  assert.ok(yielded > 0);
  await set.close();
});

test('a thread defers if it is no host, each core has one, a thread is engaged, and a host has led lately', () => {
  forEachSituation((engagement, now, situation) => {
    const { isHost, coresAreHosted, anyEngaged, hostLedLately } = situation;
    const expected = !isHost && coresAreHosted && anyEngaged && hostLedLately;
    assert.is(engagement.defers(now), expected, JSON.stringify(situation));
  });
});

test('a thread leaves a backlog if it is no host, each core has one, a thread is engaged, and all hosts are awake', () => {
  forEachSituation((engagement, _now, situation) => {
    const { isHost, coresAreHosted, anyEngaged, hostIsParked } = situation;
    const expected = !isHost && coresAreHosted && anyEngaged && !hostIsParked;
    assert.is(engagement.leavesBacklog(), expected, JSON.stringify(situation));
  });
});

test('a thread leaves others parked if it is a host, each core has one, a thread is engaged, and all hosts are awake', () => {
  forEachSituation((engagement, _now, situation) => {
    const { isHost, coresAreHosted, anyEngaged, hostIsParked } = situation;
    const expected = isHost && coresAreHosted && anyEngaged && !hostIsParked;
    assert.is(engagement.leavesOthersParked(), expected, JSON.stringify(situation));
  });
});

test('a thread of any word of the masks counts as engaged, and one that is reserved does not', () => {
  for (const thread of [0, 31, 32, 95, 127]) {
    const set = new TestThreads(128, 2).put(PARKED, 0, 1).put(RESERVED, thread);
    const engagement = set.engagement(5);
    assert.not(engagement.yields());
    set.put(ENGAGED, thread);
    assert.ok(engagement.yields(), `thread ${thread}`);
  }
});

test('a host says when it leads, and no other thread does', () => {
  const set = new TestThreads(4, 2);
  for (const self of [3, 2]) set.engagement(self).leads(7e6);
  assert.is(set.words[HOST_LED], 0);
  set.engagement(1).leads(7e6);
  assert.is(set.words[HOST_LED], 7e6);
  set.engagement(0).leads(8e6);
  assert.is(set.words[HOST_LED], 8e6);
});

for (const [name, wrap] of [
  ['2^31', 2 ** 31],
  ['2^32', 2 ** 32],
  ['a year', 365 * 86_400e6],
] as const) {
  test(`across ${name} microseconds a host has led lately for 5 ms`, () => {
    const set = new TestThreads(4, 2).put(ENGAGED, 0);
    const [host, other] = [set.engagement(0), set.engagement(3)];
    for (const before of [0, 1, 2500, 4999]) {
      const led = wrap - before;
      host.leads(led);
      for (const later of [0, before, HOSTS_STUCK - 1]) assert.ok(other.defers(led + later), `${later} µs`);
      for (const later of [HOSTS_STUCK, 1e6, 2 ** 31 - 1])
        assert.not(other.defers(led + later), `${later} µs`);
    }
  });
}

test.run();
