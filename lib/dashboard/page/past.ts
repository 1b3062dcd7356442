/**
 * The time before the page's first frame, as far as the server's rings still hold it: one moment that ends with that frame. What
 * a thread did before the first change that is known of it is unknown, and its lane is empty there.
 */
import type { Frame, MarkTuple, TransitionTuple } from '../protocol.js';
import type { Moment } from './moment.js';
import { stateNumber, UNKNOWN } from './states.js';

export interface Recorded {
  readonly transitions: readonly TransitionTuple[];
  readonly marks: readonly MarkTuple[];
}

/** @param keepMs how far back it may reach */
export function pastBefore(first: Frame, { transitions, marks }: Recorded, keepMs: number): Moment {
  const begin = first.at - keepMs;
  const changes = transitions.filter(([, , , at]) => at > begin && at <= first.at);
  const changed = new Set(changes.map(([thread]) => thread));
  for (const { id, state, since } of first.threads) {
    if (changed.has(id) || since <= 0 || since > first.at) continue;
    changes.push([id, UNKNOWN, stateNumber(state), Math.max(begin, since), -1]);
  }
  changes.sort((one, other) => one[3] - other[3]);
  const from = changes[0]?.[3] ?? first.at;
  return {
    frame: first,
    from,
    changes,
    marks: marks.filter(([, , at]) => at >= from && at <= first.at),
    starts: first.threads.map(() => UNKNOWN),
    shares: first.threads.map(() => []),
    exact: first.threads.map(() => true),
  };
}

/** Both lists without what is in both: a page that joins others is told some changes twice. */
export function joined(one: Recorded, other: Recorded): Recorded {
  return {
    transitions: unique([...one.transitions, ...other.transitions]),
    marks: unique([...one.marks, ...other.marks]),
  };
}

function unique<T extends readonly number[]>(list: readonly T[]): T[] {
  return [...new Map(list.map((tuple) => [tuple.join(), tuple])).values()];
}
