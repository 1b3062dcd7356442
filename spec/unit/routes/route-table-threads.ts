/** The route table of several threads: what they do to each other, and what a thread leaves behind that ends at any step. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { RESERVED_ROUTE_TAGS, ROUTE_WAYS } from '../../../lib/memory/route-words.js';
import { RouteTable, readRoutes, releaseRoutes } from '../../../lib/routes/route-table.js';
import type { Learning } from '../../support/routes/learner.js';
import { assertConsistent, hashIn, tagsOf } from '../../support/routes/table.js';
import { range, until, within } from '../../support/server/wait.js';
import { observingOperations } from '../../support/set/steps.js';

const ENTRY = new URL('../../support/routes/learner.js', import.meta.url);
const THREADS = 4;

const newMemory = (): SharedArrayBuffer => allocateMemory(THREADS, 1).routes;
const name = (): string => 'GET /x';
const slow = (table: RouteTable, hash: number): void => table.learn(hash, 1000, name);

/** Calls a route until it is forgotten. */
function forget(table: RouteTable, hash: number): void {
  for (let calls = 0; table.find(hash) >= 0; calls++) {
    assert.ok(calls < 100);
    table.learn(hash, 1, name);
  }
}

/** Runs `during` once for each of its atomic operations, in new memory, and calls `at` behind that operation. */
function atEachOperation(
  prepare: (memory: SharedArrayBuffer) => void,
  during: (own: RouteTable) => void,
  at: (other: RouteTable) => void,
  check: (memory: SharedArrayBuffer, step: number) => void,
): void {
  for (let step = 1; ; step++) {
    const memory = newMemory();
    prepare(memory);
    const [own, other] = [new RouteTable(memory, 0), new RouteTable(memory, 1)];
    let steps = 0;
    const look = () => {
      if (++steps === step) at(other);
    };
    try {
      observingOperations(look, () => during(own));
    } catch (error) {
      if (error !== ENDED) throw error;
    }
    if (steps < step) {
      assert.ok(step > 5, `${step} steps`);
      return;
    }
    check(memory, step);
  }
}

const ENDED = new Error('ended');

/** Puts routes into set 3, whose hashes have these numbers. */
const withRoutes =
  (...numbers: readonly number[]) =>
  (memory: SharedArrayBuffer): void => {
    for (const number of numbers) slow(new RouteTable(memory, 2), hashIn(3, number));
  };

const MEETINGS: readonly (readonly [
  what: string,
  prepare: (memory: SharedArrayBuffer) => void,
  during: (own: RouteTable) => void,
  at: (other: RouteTable) => void,
  left: readonly number[],
])[] = [
  [
    'that take a slot for the same route',
    withRoutes(),
    (own) => slow(own, hashIn(3, 1)),
    (other) => slow(other, hashIn(3, 1)),
    [1],
  ],
  [
    'of which one learns a route while the other forgets another of the set',
    withRoutes(1),
    (own) => slow(own, hashIn(3, 2)),
    (other) => forget(other, hashIn(3, 1)),
    [2],
  ],
  [
    'of which one forgets a route while the other learns another of the set',
    withRoutes(1),
    (own) => forget(own, hashIn(3, 1)),
    (other) => slow(other, hashIn(3, 2)),
    [2],
  ],
  [
    'that forget routes of the same set',
    withRoutes(1, 2),
    (own) => forget(own, hashIn(3, 1)),
    (other) => forget(other, hashIn(3, 2)),
    [],
  ],
];

for (const [what, prepare, during, at, left] of MEETINGS) {
  test(`two threads ${what} leave one slot for each route, and the bits that are right`, () => {
    atEachOperation(prepare, during, at, (memory, step) => {
      assertConsistent(memory, `after step ${step}`);
      const expected = left.map((number) => hashIn(3, number));
      assert.equal(tagsOf(memory).sort(), expected, `after step ${step}`);
    });
  });
}

for (const [what, prepare, during] of [
  ['takes a free slot', withRoutes(), (own) => slow(own, hashIn(3, 50))],
  ['replaces a route', withRoutes(...range(ROUTE_WAYS)), (own) => slow(own, hashIn(3, 50))],
  ['forgets a route', withRoutes(1), (own) => forget(own, hashIn(3, 1))],
] as readonly (readonly [string, (memory: SharedArrayBuffer) => void, (own: RouteTable) => void])[]) {
  test(`a thread that ${what} may end at any step: once it is released, the table is right and goes on`, () => {
    const end = () => {
      throw ENDED;
    };
    atEachOperation(prepare, during, end, (memory, step) => {
      releaseRoutes(memory, 0);
      assertConsistent(memory, `ended behind step ${step}`);
      const successor = new RouteTable(memory, 0);
      for (const number of range(ROUTE_WAYS)) slow(successor, hashIn(3, 100 + number));
      assert.is(tagsOf(memory).length, ROUTE_WAYS);
      assertConsistent(memory, `later, ended behind step ${step}`);
    });
  });
}

test('a thread finds no free slot while others write all of the set, and learns nothing', () => {
  const memory = newMemory();
  withRoutes(...range(ROUTE_WAYS))(memory);
  const words = new Int32Array(memory);
  const tags = words.map((word) => word);
  for (const number of range(ROUTE_WAYS)) words[tags.indexOf(hashIn(3, number))] = 2;
  slow(new RouteTable(memory, 0), hashIn(3, 50));
  releaseRoutes(memory, 0);
  assert.equal(
    tagsOf(memory),
    new Array(ROUTE_WAYS).fill(2),
    'those are released with their own thread only',
  );
  releaseRoutes(memory, 1);
  assertConsistent(memory);
  assert.equal(tagsOf(memory), []);
});

test('a route that is replaced while the observer reads it is left out', () => {
  const read = new Set<string>();
  for (let step = 1; ; step++) {
    const memory = newMemory();
    withRoutes(1)(memory);
    const other = new RouteTable(memory, 1);
    let steps = 0;
    const replace = () => {
      if (++steps !== step) return;
      forget(other, hashIn(3, 1));
      other.learn(hashIn(3, 2), 5000, () => 'GET /other');
    };
    const routes = observingOperations(replace, () => readRoutes(memory));
    assert.ok(routes.length <= 1);
    read.add(routes[0]?.name ?? 'none');
    if (steps < step) break;
  }
  assert.equal([...read].sort(), ['GET /other', 'GET /x', 'none']);
});

/** Starts a learner in each place. */
function start(memory: SharedArrayBuffer, learning: Partial<Learning>, places = range(THREADS)) {
  const progress = new SharedArrayBuffer(4);
  const workers = places.map((self) => {
    const workerData = { self, memory, progress, requests: Number.POSITIVE_INFINITY, ...learning };
    return new Worker(ENTRY, { workerData });
  });
  return { workers, progress: new Int32Array(progress) };
}

test('threads that learn the same routes at once count every call', async () => {
  const memory = newMemory();
  const hashes = range(3).map((number) => hashIn(number, 1));
  for (const hash of hashes) slow(new RouteTable(memory, 0), hash);
  const requests = 100_000;
  const { workers } = start(memory, { requests, hashes });
  await within('all are done', Promise.all(workers.map((worker) => once(worker, 'message'))));
  assertConsistent(memory);
  for (const { calls, typicalMicros, longestMicros } of readRoutes(memory))
    assert.equal([calls, typicalMicros, longestMicros], [1 + THREADS * requests, 1000, 1000]);
});

test('threads that take, replace and free slots at once leave a table that is right', async () => {
  const memory = newMemory();
  const { workers } = start(memory, { requests: 30_000 });
  await within('all are done', Promise.all(workers.map((worker) => once(worker, 'message'))));
  assertConsistent(memory);
});

test('threads that are ended among others that go on leave nothing behind', async () => {
  const memory = newMemory();
  const others = start(memory, {}, [2, 3]);
  for (const round of range(20)) {
    const { workers, progress } = start(memory, {}, [round % 2]);
    await until('it learns', () => Atomics.load(progress, 0) > 100 * round);
    await workers[0]!.terminate();
    releaseRoutes(memory, round % 2);
  }
  await Promise.all(others.workers.map((worker) => worker.terminate()));
  for (const dead of [2, 3]) releaseRoutes(memory, dead);
  const tags = tagsOf(memory);
  assert.ok(tags.every((tag) => tag < 0 || tag >= RESERVED_ROUTE_TAGS));
  const table = new RouteTable(memory, 0);
  for (const tag of tags) forget(table, tag);
  assert.not(table.anyKnown);
  assert.equal(tagsOf(memory), []);
});

test.run();
