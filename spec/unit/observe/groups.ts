/** The observation of several groups as one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GroupsObserver } from '../../../lib/observe/groups.js';
import { FakeObserved, routeOf } from '../../support/dashboard/fake-observed.js';

/** Two groups of two threads. */
function groups() {
  const [one, other] = [new FakeObserved(2), new FakeObserved(2)];
  for (const thread of other.seen.threads) Object.assign(thread, { id: thread.id + 2 });
  other.seen.leader = 2;
  return { one, other, both: new GroupsObserver([one, other]) };
}

test('threads follow each other, and levels are sums', () => {
  const { one, other, both } = groups();
  one.seen.connections = { current: 3, peak: 5, limit: 10 };
  other.seen.connections = { current: 4, peak: 4, limit: 10 };
  const seen = both.observe();
  assert.equal(
    seen.threads.map(({ id }) => id),
    [0, 1, 2, 3],
  );
  assert.equal(seen.connections, { current: 7, peak: 7, limit: 20 });
  assert.is(seen.groups!.length, 2);
  assert.equal(seen.descriptors, one.seen.descriptors);
  one.seen.connections = { current: 0, peak: 5, limit: 10 };
  assert.equal(both.observe().connections, { current: 4, peak: 7, limit: 20 }, 'the peak is kept');
});

test('what waits in a socket that groups share is counted once', () => {
  const { one, other, both } = groups();
  Object.assign(one.seen, { waiting: 6, acceptQueues: new Map([[7, 3]]) });
  Object.assign(other.seen, {
    waiting: 5,
    acceptQueues: new Map([
      [7, 3],
      [8, 1],
    ]),
  });
  assert.is(both.observe().waiting, 3 + 1 + 3 + 1);
});

test('where a group has no leader, that is said', () => {
  const { other, both } = groups();
  assert.is(both.observe().leader, 0);
  other.seen.leader = -1;
  other.seen.leaderSince = 5;
  assert.equal([both.observe().leader, both.observe().leaderSince], [-1, 5]);
});

test('it serves as long as one group does', () => {
  const { one, other, both } = groups();
  one.seen.set = 'stopping';
  assert.is(both.observe().set, 'serving');
  other.seen.set = 'draining';
  assert.is(both.observe().set, 'draining');
  other.seen.set = 'stopping';
  assert.is(both.observe().set, 'stopping');
});

test('a route that several groups have learned is one', () => {
  const { one, other, both } = groups();
  const route = routeOf('GET /slow', { calls: 1, typicalMs: 4, longestMs: 9, handOvers: 1, blocking: false });
  one.seen.routes = [route];
  other.seen.routes = [
    { ...route, calls: 3, typicalMs: 8, longestMs: 8, handOvers: 2, blocking: true },
    routeOf('GET /slower', { calls: 10, typicalMs: 100 }),
  ];
  const { routes } = both.observe();
  assert.equal(
    routes.map(({ name }) => name),
    ['GET /slower', 'GET /slow'],
  );
  const { calls, typicalMs, longestMs, handOvers, blocking } = routes[1]!;
  assert.equal([calls, typicalMs, longestMs, handOvers, blocking], [4, 7, 9, 3, true]);
});

test('transitions of all groups are in order of time, and each is returned once', () => {
  const { one, other, both } = groups();
  const source = both.readTransitions();
  one.tell(1, 2, 3, 20);
  other.tell(0, 3, 4, 10);
  const { transitions, missed } = source.next();
  assert.equal(
    transitions.map(({ thread, at }) => [thread, at]),
    [
      [0, 10],
      [1, 20],
    ],
  );
  assert.is(missed.length, 4);
  assert.equal(source.next().transitions, []);
});

test.run();
