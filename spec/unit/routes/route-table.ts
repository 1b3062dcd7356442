/** The route table of one thread: what it learns, what it forgets, and what the observer reads. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import {
  MAX_ROUTE_NAME_BYTES,
  ROUTE_CALLS,
  ROUTE_HAND_OVERS,
  ROUTE_SLOTS,
  ROUTE_WAYS,
  routeRecord,
} from '../../../lib/memory/route-words.js';
import {
  ageRoutes,
  BLOCKING_MICROS,
  DECLARED_BLOCKING,
  DECLARED_NON_BLOCKING,
  NO_SLOT,
  type RouteClass,
  RouteTable,
  readRoutes,
} from '../../../lib/routes/route-table.js';
import { hashOf } from '../../support/routes/keys.js';
import { assertConsistent, hashIn, tagsOf } from '../../support/routes/table.js';
import { range } from '../../support/server/wait.js';

const MINUTE = 60;
const FAST = 50;
const FORGOTTEN = BLOCKING_MICROS / 4;

/** A table with a clock that the spec sets. */
class TestTable extends RouteTable {
  readonly memory: SharedArrayBuffer;
  readonly time: { seconds: number };

  constructor(memory = allocateMemory(1, 1).routes, time = { seconds: 1_000_000 }) {
    super(memory, 0, () => time.seconds * 1e6);
    this.memory = memory;
    this.time = time;
  }

  request(name: string, micros: number, routeClass?: RouteClass): void {
    this.learn(hashOf(name), micros, () => name, routeClass);
  }

  knows(name: string): boolean {
    return this.find(hashOf(name)) !== NO_SLOT;
  }

  isBlocking(name: string): boolean {
    return this.blocks(this.find(hashOf(name)));
  }

  typical(name: string): number | undefined {
    return this.routes().find((route) => route.name === name)?.typicalMicros;
  }

  routes() {
    assertConsistent(this.memory);
    return readRoutes(this.memory);
  }

  age(): void {
    ageRoutes(this.memory, this.time.seconds * 1e6);
  }
}

test('requests that do not block take no slot, and need no name', () => {
  const table = new TestTable();
  const noName = () => assert.unreachable('asks for a name') as never;
  for (const micros of [0, 1, 100, BLOCKING_MICROS - 0.01]) {
    table.learn(hashOf('GET /a'), micros, noName);
    table.learn(hashOf('GET /b'), micros, noName, DECLARED_NON_BLOCKING);
  }
  assert.not(table.anyKnown);
  assert.equal(table.routes(), []);
  table.request('GET /a', BLOCKING_MICROS);
  assert.ok(table.anyKnown);
  table.learn(hashOf('GET /a'), 10_000, noName);
  assert.is(table.routes().length, 1);
});

test('the mean begins at 0: a single call makes a route block from 16 times the limit on', () => {
  const table = new TestTable();
  table.request('GET /a', 16 * BLOCKING_MICROS - 1);
  assert.not(table.isBlocking('GET /a'));
  table.request('GET /b', 16 * BLOCKING_MICROS);
  assert.ok(table.isBlocking('GET /b'));
  table.request('GET /c', 20_000);
  assert.ok(table.isBlocking('GET /c'));
});

test('a route that holds its thread for a little longer than the limit blocks after some tens of calls', () => {
  const table = new TestTable();
  let calls = 0;
  while (!table.isBlocking('GET /a')) {
    table.request('GET /a', 1.2 * BLOCKING_MICROS);
    assert.ok(++calls < 40);
  }
  assert.ok(calls > 20, `${calls} calls`);
});

test('the typical hold of a route that always takes the same is that, from the first call on and from above', () => {
  const table = new TestTable();
  for (const _call of range(300)) {
    table.request('GET /a', BLOCKING_MICROS);
    const typical = table.typical('GET /a')!;
    assert.ok(Math.abs(typical - BLOCKING_MICROS) <= 1, `${typical}`);
  }
  assert.is(table.typical('GET /a'), BLOCKING_MICROS);
  assert.ok(table.isBlocking('GET /a'));
  for (const _call of range(300)) table.request('GET /a', 100_000);
  assert.is(table.typical('GET /a'), 100_000);
  // From above the mean stops 15/16 µs too high, as it counts whole sixteenths.
  for (const _call of range(300)) table.request('GET /a', BLOCKING_MICROS - 1);
  assert.is(table.typical('GET /a'), BLOCKING_MICROS);
  assert.not(table.isBlocking('GET /a'));
  assert.ok(table.knows('GET /a'));
});

for (const [first, second] of [
  [1000, 100_000],
  [100_000, 1000],
] as const) {
  test(`a route that alternates between ${first} and ${second} µs blocks from its second call on`, () => {
    const table = new TestTable();
    table.request('GET /a', first);
    for (const call of range(1000)) {
      table.request('GET /a', call % 2 === 0 ? second : first);
      assert.ok(table.isBlocking('GET /a'), `call ${call + 2}`);
    }
    const typical = table.typical('GET /a')!;
    assert.ok(typical > 45_000 && typical < 56_000, `${typical}`);
  });
}

for (const firstMicros of [600, 7900, 50_000, 600_000]) {
  test(`a route whose first call alone takes ${firstMicros} µs is forgotten after a bounded number of calls`, () => {
    const table = new TestTable();
    table.request('GET /a', firstMicros);
    assert.is(table.isBlocking('GET /a'), firstMicros >= 16 * BLOCKING_MICROS);
    // The difference to what the mean tends to shrinks by 1/16 with each call.
    const excess = Math.max(1, (firstMicros / 16 - FAST) / (FORGOTTEN - FAST));
    const calls = Math.log(excess) / Math.log(16 / 15);
    let needed = 0;
    while (table.knows('GET /a')) {
      table.request('GET /a', FAST);
      assert.ok(++needed <= Math.ceil(calls) + 1, `${needed} calls instead of ${calls}`);
    }
    assert.ok(needed >= calls - 1 && needed < 100, `${needed} calls instead of ${calls}`);
    assert.not(table.anyKnown);
    assert.equal(table.routes(), []);
  });
}

for (const slowCall of [0, 7, 49]) {
  test(`a cheap route of which call ${slowCall} of 50 takes 4 ms never blocks`, () => {
    const table = new TestTable();
    for (const call of range(10_000)) {
      table.request('GET /a', call % 50 === slowCall ? 4000 : FAST);
      assert.not(table.isBlocking('GET /a'), `call ${call}`);
    }
  });
}

test('only a request below a quarter of the limit makes a route forgotten', () => {
  const table = new TestTable();
  table.request('GET /a', BLOCKING_MICROS);
  for (const _call of range(300)) table.request('GET /a', FORGOTTEN);
  assert.ok(table.knows('GET /a'), 'it is not cheap');
  for (const _call of range(300)) table.request('GET /a', FORGOTTEN - 1);
  assert.not(table.knows('GET /a'));
  table.request('GET /a', 10 * BLOCKING_MICROS);
  table.request('GET /a', FORGOTTEN - 1);
  assert.ok(table.knows('GET /a'), 'one cheap request is not enough while the mean is higher');
});

test('a route that is slow now and then is not forgotten by its slow calls alone', () => {
  const table = new TestTable();
  for (const call of range(10_000)) {
    table.request('GET /a', call % 100 === 0 ? 2000 : FAST);
    if (call % 100 === 99) assert.not(table.knows('GET /a'));
  }
});

test('100,000 invented slow paths take no memory, and a route that is called among them is still known', () => {
  const table = new TestTable();
  const size = table.memory.byteLength;
  let lost = 0;
  const BUSY = 'GET /busy';
  for (const _call of range(10)) table.request(BUSY, 20_000);
  for (const path of range(100_000)) {
    table.time.seconds += 0.001;
    table.request(`GET /invented-${path}`, 5000);
    if (path % 50 !== 0) continue;
    if (!table.isBlocking(BUSY)) lost++;
    table.request(BUSY, 20_000);
    assert.ok(table.isBlocking(BUSY), 'one call is enough to learn it again');
  }
  assert.ok(lost < 200, `lost ${lost} times of 2000`);
  assert.is(table.memory.byteLength, size);
  assert.is(table.routes().length, ROUTE_SLOTS);
  for (const call of range(10_000)) table.request(`GET /next-${call % 20}`, 5000);
  assert.ok(range(20).filter((next) => table.isBlocking(`GET /next-${next}`)).length > 15);
});

test('a full set replaces the route used least recently, and of several the one with the fewest calls', () => {
  const table = new TestTable();
  const [first, last] = [0, ROUTE_WAYS];
  const call = (number: number) => table.learn(hashIn(31, number), 5000, () => `${number}`);
  const known = () => range(ROUTE_WAYS + 2).filter((number) => table.find(hashIn(31, number)) !== NO_SLOT);
  for (const number of range(ROUTE_WAYS)) {
    call(number);
    if (number !== 3) call(number);
  }
  call(last);
  assert.equal(known(), [0, 1, 2, 4, 5, 6, 7, 8]);
  table.time.seconds += 1;
  for (const number of known()) if (number !== first) call(number);
  for (const _call of range(100)) call(last + 1);
  assert.equal(known(), [1, 2, 4, 5, 6, 7, 8, 9]);
  assertConsistent(table.memory);
});

test('a minute without a request halves the typical hold, once', () => {
  const table = new TestTable();
  for (const _call of range(300)) table.request('GET /a', 4000);
  const age = (seconds: number) => {
    table.time.seconds += seconds;
    table.age();
    return table.typical('GET /a');
  };
  assert.is(age(0), 4000);
  assert.is(age(MINUTE - 1), 4000);
  assert.is(age(1), 2000);
  for (const _second of range(MINUTE - 1)) assert.is(age(1), 2000);
  assert.is(age(1), 1000);
  assert.is(age(MINUTE), 500);
  assert.ok(table.isBlocking('GET /a'));
  assert.is(age(MINUTE), 250);
  assert.not(table.isBlocking('GET /a'));
  assert.is(age(MINUTE), 125);
  assert.ok(table.anyKnown);
  assert.is(age(MINUTE), undefined);
  assert.not(table.anyKnown);
});

test('minutes of which the control plane has taken no notice count at the next call', () => {
  const table = new TestTable();
  for (const _call of range(300)) table.request('GET /a', 16_000);
  table.time.seconds += MINUTE;
  table.age();
  table.time.seconds += 2 * MINUTE;
  table.request('GET /a', 2000);
  assert.is(table.typical('GET /a'), 2000);
  table.time.seconds += MINUTE;
  table.request('GET /a', 1000);
  assert.is(table.typical('GET /a'), 1000);
  table.time.seconds += 100 * MINUTE;
  table.request('GET /a', 4800);
  assert.is(table.typical('GET /a'), 300, 'nothing is left of the mean');
  table.time.seconds += 100 * MINUTE;
  table.age();
  assert.equal(table.routes(), []);
});

test('a clock that another thread has read earlier ages nothing', () => {
  const table = new TestTable();
  table.request('GET /a', 4000);
  table.time.seconds -= MINUTE;
  table.request('GET /a', 4000);
  assert.is(table.typical('GET /a'), 4000);
  table.time.seconds -= MINUTE;
  table.age();
  assert.is(table.typical('GET /a'), 4000);
});

test('a route that is declared blocking is in the table from its first call on, and blocks whatever it takes', () => {
  const table = new TestTable();
  for (const _call of range(1000)) table.request('GET /a', 1, DECLARED_BLOCKING);
  table.time.seconds += 1000 * MINUTE;
  table.age();
  assert.ok(table.isBlocking('GET /a'));
  assert.not(table.anyKnown, 'no request needs to look for it');
  const [route] = table.routes();
  assert.equal([route!.blocking, route!.declared, route!.calls], [true, true, 1000]);
});

test('a route that is declared not to block is in the table while it is slow, and does not block', () => {
  const table = new TestTable();
  for (const _call of range(100)) table.request('GET /a', 100_000, DECLARED_NON_BLOCKING);
  assert.not(table.isBlocking('GET /a'));
  assert.not(table.anyKnown);
  const [route] = table.routes();
  assert.equal([route!.blocking, route!.declared, route!.calls], [false, true, 100]);
  for (const _call of range(200)) table.request('GET /a', 1, DECLARED_NON_BLOCKING);
  assert.equal(table.routes(), []);
});

test('a declared route and a learned one in the same set: one is known', () => {
  const table = new TestTable();
  table.learn(hashIn(5, 1), 1000, () => 'declared', DECLARED_BLOCKING);
  table.learn(hashIn(5, 2), 1000, () => 'learned');
  assert.ok(table.anyKnown);
  for (const _call of range(40)) table.learn(hashIn(5, 2), 1, () => 'learned');
  assert.not(table.anyKnown);
  assert.equal(
    table.routes().map(({ name }) => name),
    ['declared'],
  );
});

test('the observer reads what was learned, what holds threads longest in total first', () => {
  const table = new TestTable();
  for (const _call of range(100)) table.request('GET /often', 3000);
  for (const micros of [40_000, 60_000, 20_000]) table.request('POST /rare', micros);
  for (const _hand of range(2)) table.noteHandOver(table.find(hashOf('POST /rare')));
  table.noteHandOver(NO_SLOT);
  const routes = table.routes();
  const own = { blocking: true, declared: false };
  assert.equal(routes, [
    { name: 'GET /often', ...own, typicalMicros: 3000, longestMicros: 3000, calls: 100, handOvers: 0 },
    { name: 'POST /rare', ...own, typicalMicros: 39_556, longestMicros: 60_000, calls: 3, handOvers: 2 },
  ]);
});

test('names of any length and kind come back', () => {
  const table = new TestTable();
  const names = ['', 'x'.repeat(MAX_ROUTE_NAME_BYTES), `${'y'.repeat(MAX_ROUTE_NAME_BYTES - 3)}…`];
  for (const [index, name] of names.entries()) table.learn(hashIn(7, index), 5000, () => name);
  const read = table.routes().map(({ name }) => name);
  assert.equal(read.sort(), names.sort());
  // A slot that is used again has nothing of the longer name that it had.
  for (const index of range(100)) {
    table.time.seconds += 1;
    table.learn(hashIn(7, 100 + index), 5000, () => 'z');
  }
  assert.equal([...new Set(table.routes().map(({ name }) => name))], ['z']);
});

test('a hold of any length counts', () => {
  const table = new TestTable();
  const LONGEST = 2 ** 27 - 1;
  for (const micros of [LONGEST, LONGEST + 1, 2 ** 31, 1e12, Number.POSITIVE_INFINITY]) {
    for (const _call of range(200)) table.request('GET /a', micros);
    assert.is(table.routes()[0]!.longestMicros, LONGEST);
  }
  assert.is(table.typical('GET /a'), LONGEST);
});

for (const [name, word] of [
  ['2^31', 2 ** 31 - 1],
  ['2^32', -1],
] as const) {
  test(`across ${name} calls and hand-overs go on`, () => {
    const table = new TestTable();
    for (const number of range(ROUTE_WAYS)) table.learn(hashIn(0, number), 5000, () => `${number}`);
    const words = new Int32Array(table.memory);
    const slot = table.find(hashIn(0, 4));
    words[routeRecord(slot) + ROUTE_CALLS] = word;
    words[routeRecord(slot) + ROUTE_HAND_OVERS] = word;
    const read = () => table.routes().find((route) => route.name === '4')!;
    assert.equal([read().calls, read().handOvers], [word >>> 0, word >>> 0]);
    table.learn(hashIn(0, 4), 5000, () => '4');
    table.noteHandOver(slot);
    const next = ((word >>> 0) + 1) % 2 ** 32;
    assert.equal([read().calls, read().handOvers], [next, next]);
    assert.is(
      read().typicalMicros,
      606,
      '(15/16 + 1) * 5000 / 16: with so many calls, nothing allows for the beginning',
    );
    table.learn(hashIn(0, 4), 5000, () => '4');
    assert.ok(read().typicalMicros <= 5000, `no more than the longest: ${read().typicalMicros}`);
    assert.is(tagsOf(table.memory).length, ROUTE_WAYS);
  });
}

test.run();
