/** The health of several groups: each is judged by itself. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GroupHealth } from '../../../lib/dashboard/group-health.js';
import type { Death } from '../../../lib/dashboard/protocol.js';
import { GroupsObserver } from '../../../lib/observe/groups.js';
import { FakeObserved } from '../../support/dashboard/fake-observed.js';

const QUIET = { busy: [], requests: 0, errors: 0 };

function groups(deaths: readonly Death[] = []) {
  const members = [new FakeObserved(2), new FakeObserved(2)] as const;
  for (const thread of members[1].seen.threads) Object.assign(thread, { id: thread.id + 2 });
  const observed = new GroupsObserver(members);
  const health = new GroupHealth(deaths);
  return { members, look: (second = QUIET) => health.update(observed.observe(), second) };
}

/** All threads of the group are inside one handler. */
function hold({ seen }: FakeObserved, ms: number): void {
  seen.leader = -1;
  for (const thread of seen.threads) {
    const since = seen.at - ms;
    Object.assign(thread, { state: 'processing', since, requestSince: since, route: 'GET /slow' });
  }
}

test('healthy groups make a healthy server, with the free threads of all', () => {
  const { verdict, free, warnings } = groups().look();
  assert.equal([verdict.level, verdict.text], ['healthy', 'Healthy: 4 of 4 threads free']);
  assert.equal([free, warnings], [4, []]);
});

test('an outage of one group is said of that group, while the server answers others', () => {
  const { members, look } = groups();
  hold(members[1], 5000);
  const { verdict, free, warnings } = look();
  assert.is(verdict.level, 'degraded');
  assert.match(verdict.text, /^Degraded: group 1: all 2 threads held by GET \/slow for 5\.0 s/);
  assert.match(verdict.text, /2 of 4 threads free/);
  assert.equal([free, verdict.reasons, warnings[0]!.id], [2, ['all-blocked'], 'all-blocked']);
  assert.match(warnings[0]!.what, /^group 1: All 2 threads have been held/);
});

test('it is one of the server once all groups have one', () => {
  const { members, look } = groups();
  for (const member of members) hold(member, 5000);
  const { verdict, warnings } = look();
  assert.is(verdict.level, 'outage');
  assert.match(verdict.text, /^Outage: all 2 threads held by GET \/slow for 5\.0 s/);
  assert.is(warnings.length, 1);
});

test('what concerns all groups is said once, and without a group', () => {
  const { verdict } = groups().look({ ...QUIET, requests: 10, errors: 8 });
  assert.match(verdict.text, /^Degraded: 80 % of requests fail; 4 of 4 threads free/);
});

test('a death is one of the group that the thread belongs to', () => {
  const deaths: Death[] = [];
  const { members, look } = groups(deaths);
  deaths.push({ thread: 3, at: members[0].seen.at, reason: 'why' });
  assert.match(look().verdict.text, /^Degraded: group 1: thread 3 died/);
});

test('a level is counted from when it began', () => {
  const { look } = groups();
  const { since } = look().verdict;
  assert.is(look().verdict.since, since);
});

test.run();
