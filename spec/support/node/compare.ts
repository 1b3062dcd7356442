/** Compares the outcomes of a case on node:http and here. */
import * as reference from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Case } from './case.js';
import { DIFFERENCES } from './differences.js';
import { isSound, type Outcome, runCase } from './run-case.js';
import { subject } from './subject.js';

/** Compare node:http with itself: shows that the cases themselves are deterministic. */
const ITSELF = process.env.DIFFERENTIAL_ITSELF !== undefined;
const NODE = Number.parseInt(process.versions.node, 10);
/** Runs only the cases whose name has this in it. */
const ONLY = process.env.DIFFERENTIAL_CASE ?? '';

/** Lines by their first word, the object that they are about, in the order of each. */
function byObject(lines: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const line of lines) {
    const who = line.split(' ', 1)[0]!;
    groups[who] ??= [];
    groups[who].push(line);
  }
  return Object.fromEntries(Object.entries(groups).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function comparable({ events, received }: Outcome, each: Case): unknown {
  const { order = 'whole' } = each;
  return { received, events: order === 'whole' ? events : byObject(events) };
}

/** What is expected of the case here. */
function expected(each: Case, there: Outcome): Outcome {
  const difference = DIFFERENCES[each.name];
  if (ITSELF || difference === undefined) return there;
  const { from = 0, until = Number.POSITIVE_INFINITY } = difference;
  if (NODE < from || NODE >= until) return there;
  const here = difference.here(there);
  assert.not.equal(comparable(here, each), comparable(there, each), 'a listed difference is one');
  return here;
}

/** Registers a test for each case. */
export function compareCases(cases: readonly Case[]): void {
  const names = new Set(cases.map(({ name }) => name));
  assert.is(names.size, cases.length, 'each case has a name of its own');
  for (const each of cases) {
    if (!each.name.includes(ONLY)) continue;
    test(each.name, async () => {
      const there = await runCase(each, reference);
      assert.ok(isSound(there.events), `the case ends on node:http: ${there.events.join('\n')}`);
      const actual = await runCase(each, ITSELF ? reference : subject);
      assert.equal(comparable(actual, each), comparable(expected(each, there), each));
    });
  }
  test.run();
}
