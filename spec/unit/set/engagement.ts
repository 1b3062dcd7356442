/** Engagement: what makes others depend on a thread, and what a thread leaves to the hosts then. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { ENGAGED, HOST_LED, PARKED, RESERVED, WAKING } from '../../../lib/memory/layout.js';
import {
  clearEngagement,
  Engagement,
  hostsOf,
  NO_DEPENDANT,
  WAITS,
  WAITS_TO_BLOCK,
} from '../../../lib/set/engagement.js';
import { nowMicros } from '../../../lib/sys/clock.js';
import { range } from '../../support/server/wait.js';
import { TestSet } from '../../support/set/test-set.js';

/** As in lib/set/engagement.ts. */
const IO_WINDOW = 50_000;
const HOSTS_STUCK = 5000;
const NO_TIMER = -1;
/** Microseconds: longer than any spec takes. */
const LONG = 60e6;

const controls = new Map<number, SharedArrayBuffer>();

/** Of that many threads. Always the same one: shared memory is collected late, and the specs need thousands. */
function emptyControl(threads: number): SharedArrayBuffer {
  const control = controls.get(threads) ?? allocateMemory(threads, 1, 1).control;
  controls.set(threads, control);
  new Int32Array(control).fill(0);
  return control;
}

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
    this.control = emptyControl(threads);
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
  engagement.publish(0, NO_TIMER);
  assert.equal(set.masks(), { engaged: [1], reserved: [] }, 'one of two is left');
  engagement.change(WAITS, NO_DEPENDANT);
  assert.not(engagement.isEngaged(0));
  assert.equal(set.masks(), { engaged: [1], reserved: [] }, 'only those of parked threads are decided upon');
  engagement.publish(0, NO_TIMER);
  assert.equal(set.masks(), NOBODY);
  engagement.change(NO_DEPENDANT, WAITS);
  assert.equal(set.masks(), { engaged: [1], reserved: [] }, 'and once more');
});

test('a handler known to block that is pending makes its thread reserved, not engaged', () => {
  const set = new TestThreads(4, 2);
  const engagement = set.engagement(2);
  engagement.change(NO_DEPENDANT, WAITS_TO_BLOCK);
  assert.not(engagement.isEngaged(0));
  assert.equal(set.masks(), { engaged: [], reserved: [2] }, 'at once');
  engagement.publish(0, NO_TIMER);
  assert.equal(set.masks(), { engaged: [], reserved: [2] });
  engagement.change(WAITS_TO_BLOCK, WAITS);
  assert.equal(set.masks(), { engaged: [2], reserved: [2] });
  engagement.publish(0, NO_TIMER);
  assert.equal(set.masks(), { engaged: [2], reserved: [] });
  engagement.change(NO_DEPENDANT, WAITS_TO_BLOCK);
  engagement.publish(0, NO_TIMER);
  assert.equal(set.masks(), { engaged: [2], reserved: [2] }, 'both');
  engagement.change(WAITS, WAITS_TO_BLOCK);
  engagement.publish(0, NO_TIMER);
  assert.equal(set.masks(), { engaged: [], reserved: [2] });
  for (const _dependant of range(2)) engagement.change(WAITS_TO_BLOCK, NO_DEPENDANT);
  engagement.publish(0, NO_TIMER);
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
  [0, true],
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
    set.timeoutMs = engaged ? NO_TIMER : 1;
    assert.is(engagement.isEngaged(0, WAITS, timeoutMs), engaged, 'the caller has just asked');
    engagement.publish(0, timeoutMs);
    assert.equal(set.in(ENGAGED), engaged ? [3] : []);
    engagement.publish(0, NO_TIMER);
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
  engagement.publish(IO_WINDOW, NO_TIMER);
  assert.equal(set.in(ENGAGED), [0]);
  engagement.publish(4 * IO_WINDOW, NO_TIMER);
  assert.equal(set.in(ENGAGED), []);
});

test('a thread that only own I/O makes engaged publishes again once that no longer counts', () => {
  const set = new TestThreads(4, 2);
  const engagement = set.engagement(0);
  const never = Number.POSITIVE_INFINITY;
  assert.is(engagement.publish(0, NO_TIMER), never, 'it is free');
  for (const window of range(2)) engagement.hadIo(window * IO_WINDOW);
  const micros = 2 * IO_WINDOW - 1;
  const againMs = engagement.publish(micros, NO_TIMER);
  assert.ok(againMs > 0 && againMs < never, `${againMs} ms`);
  assert.is(engagement.publish(micros, 51), againMs, 'its own timer wakes it no sooner than it sleeps');
  assert.is(engagement.publish(micros, 50), never, 'the timer makes it engaged, and wakes it');
  engagement.change(NO_DEPENDANT, WAITS);
  assert.is(engagement.publish(micros, NO_TIMER), never, 'a dependant does');
  engagement.change(WAITS, WAITS_TO_BLOCK);
  assert.is(engagement.publish(micros, NO_TIMER), againMs, 'one that blocks makes it reserved only');
  assert.is(engagement.publish(micros + againMs * 1000, NO_TIMER), never);
  assert.equal(set.in(ENGAGED), [], 'it was late enough');
});

test('the bits of 128 threads are their own', () => {
  const set = new TestThreads(128, 4);
  const some = [0, 31, 32, 63, 64, 95, 96, 127];
  for (const self of some) {
    const engagement = set.engagement(self);
    engagement.change(NO_DEPENDANT, WAITS);
    engagement.change(NO_DEPENDANT, WAITS_TO_BLOCK);
    engagement.publish(0, NO_TIMER);
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

/**
 * Every combination, for sets in which hosts and others have their bits in different words of a mask, too. A host that is parked and
 * reserved counts as awake.
 */
function forEachSituation(check: (engagement: Engagement, situation: Situation) => void): void {
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
      for (const bits of range(16)) {
        const set = new TestThreads(threads, cores);
        const [anyEngaged, parks, hostLedLately, reserved] = [1, 2, 4, 8].map((bit) => (bits & bit) !== 0);
        // All threads that are no hosts are parked, which is of no importance.
        set.put(PARKED, ...range(threads - hosts).map((other) => hosts + other));
        if (anyEngaged) set.put(ENGAGED, bits & 2 ? 0 : threads - 1);
        if (parks) set.put(PARKED, hosts - 1);
        if (reserved) set.put(RESERVED, hosts - 1);
        set.words[HOST_LED] = nowMicros() + (hostLedLately ? LONG : -HOSTS_STUCK);
        check(set.engagement(self), {
          isHost: self < hosts,
          coresAreHosted: hosts >= cores,
          anyEngaged: anyEngaged!,
          hostIsParked: parks! && !reserved,
          hostLedLately: hostLedLately!,
        });
      }
    }
  }
}

test('a thread yields leadership if it is no host, a thread is engaged, and a host is parked', () => {
  forEachSituation((engagement, situation) => {
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
  forEachSituation((engagement, situation) => {
    const { isHost, coresAreHosted, anyEngaged, hostLedLately } = situation;
    const expected = !isHost && coresAreHosted && anyEngaged && hostLedLately;
    assert.is(engagement.defers(), expected, JSON.stringify(situation));
  });
});

test('a thread leaves a backlog if it is no host, each core has one, a thread is engaged, and all hosts are awake', () => {
  forEachSituation((engagement, situation) => {
    const { isHost, coresAreHosted, anyEngaged, hostIsParked } = situation;
    const expected = !isHost && coresAreHosted && anyEngaged && !hostIsParked;
    assert.is(engagement.leavesBacklog(), expected, JSON.stringify(situation));
  });
});

test('a thread leaves others parked if it is a host, each core has one, a thread is engaged, and all hosts are awake', () => {
  forEachSituation((engagement, situation) => {
    const { isHost, coresAreHosted, anyEngaged, hostIsParked } = situation;
    const expected = isHost && coresAreHosted && anyEngaged && !hostIsParked;
    assert.is(engagement.leavesOthersParked(), expected, JSON.stringify(situation));
  });
});

test('a thread leaves requests if it is no host, and a thread is engaged', () => {
  forEachSituation((engagement, situation) => {
    const { isHost, anyEngaged } = situation;
    assert.is(engagement.isHost, isHost);
    assert.is(engagement.leavesRequests(), !isHost && anyEngaged, JSON.stringify(situation));
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

test('a host has led lately for 5 ms', () => {
  const set = new TestThreads(4, 2).put(ENGAGED, 0);
  const [host, other] = [set.engagement(0), set.engagement(3)];
  const led = nowMicros();
  host.leads(led);
  let before = led;
  while (before - led < 2 * HOSTS_STUCK) {
    before = nowMicros();
    const defers = other.defers();
    const after = nowMicros();
    // By the word's whole microseconds. Between the two readings it may be either.
    if (after - led < HOSTS_STUCK - 1) assert.ok(defers, `${after - led} µs`);
    if (before - led > HOSTS_STUCK + 1) assert.not(defers, `${before - led} µs`);
  }
});

test('when a host has led is told across wraps of the clock', () => {
  const set = new TestThreads(4, 2).put(ENGAGED, 0);
  const [host, other] = [set.engagement(0), set.engagement(3)];
  for (const wraps of [0, 1, -1, 7300]) {
    const now = nowMicros() + wraps * 2 ** 32;
    host.leads(now + LONG);
    assert.ok(other.defers(), `${wraps} wraps`);
    for (const ago of [HOSTS_STUCK, 1e6, 2 ** 30, 2 ** 31 - LONG, 2 ** 31 + LONG, 2 ** 32 - 4 * LONG]) {
      host.leads(now - ago);
      assert.not(other.defers(), `${wraps} wraps and ${ago} µs`);
    }
  }
});

test.run();
