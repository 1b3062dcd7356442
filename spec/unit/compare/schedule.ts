/** When requests of the open loop are due. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEMO_MIXES } from '../../../lib/compare/mixes.js';
import { type Due, Schedule } from '../../../lib/compare/schedule.js';

const mixOf = (wanted: string) => DEMO_MIXES.find(({ name }) => name === wanted)!;
const [blocking, burst] = [mixOf('blocking'), mixOf('burst')];
const of = (due: readonly Due[], server: number): Due[] => due.filter((one) => one.server === server);

test('all servers are asked the same at the same moments, and the first of them rotates', () => {
  const due = new Schedule({ mix: blocking, rate: 100, turns: false }, 3).take(9_995);
  assert.is(due.length, 3000);
  const plain = (one: Due) => ({ kind: one.kind, dueMs: one.dueMs });
  assert.equal(of(due, 0).map(plain), of(due, 1).map(plain));
  assert.equal(of(due, 0).map(plain), of(due, 2).map(plain));
  assert.equal(
    [0, 3, 6, 9].map((index) => due[index]!.server),
    [0, 1, 2, 0],
  );
  assert.equal(
    of(due, 1).map(({ dueMs }) => dueMs),
    Array.from({ length: 1000 }, (_, step) => step * 10),
  );
});

test('what is due is taken once, however often it is asked for', () => {
  const load = { mix: blocking, rate: 1000, turns: false };
  const inPieces = new Schedule(load, 2);
  const taken = [0, 0, 1.5, 1.5, 40, 99.5].flatMap((nowMs) => inPieces.take(nowMs));
  assert.equal(taken, new Schedule(load, 2).take(99.5));
  assert.is(taken.length, 200);
});

test('in turns each server has a second, whose last fifth is for answers, and the same requests', () => {
  const due = new Schedule({ mix: blocking, rate: 100, turns: true }, 2).take(3_999);
  assert.is(due.length, 320);
  for (const { server, dueMs } of due) {
    assert.is(Math.floor(dueMs / 1000) % 2, server);
    assert.ok(dueMs % 1000 < 800);
  }
  assert.equal(
    of(due, 0).map(({ kind, dueMs }) => [kind, dueMs + 1000]),
    of(due, 1).map(({ kind, dueMs }) => [kind, dueMs]),
  );
});

test('a burst is due once a second, on top of the rate', () => {
  const { connections } = burst.burst!;
  for (const turns of [false, true]) {
    const due = of(new Schedule({ mix: burst, rate: 50, turns }, 2).take(3_999), 0);
    const ofBurst = due.filter(({ kind }) => kind === burst.kinds.length);
    const plain = due.length - ofBurst.length;
    assert.is(ofBurst.length / connections, Math.ceil(plain / 50));
    assert.is(new Set(ofBurst.map(({ dueMs }) => dueMs)).size, ofBurst.length / connections);
  }
});

test('a rate of less than one request in a turn still asks', () => {
  const due = new Schedule({ mix: blocking, rate: 1, turns: true }, 2).take(3_999);
  assert.equal(
    due.map(({ server, dueMs }) => [server, dueMs]),
    [
      [0, 0],
      [1, 1000],
      [0, 2000],
      [1, 3000],
    ],
  );
});

test.run();
