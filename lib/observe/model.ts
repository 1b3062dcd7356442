/** What is told of a concurrency model beside its description: the words for the states of its threads, and its queue. */
import { STATE_NAMES } from '../set/thread-state.js';
import { type Role, type StrategyName, stateWords } from '../strategies/descriptions.js';

/** The words for the states of a thread with that role, in the order of STATE_NAMES. */
export function wordsOf(role: Role): readonly string[] {
  const words: Readonly<Record<string, string>> = { ...stateWords(role) };
  return STATE_NAMES.map((name) => words[name] ?? name);
}

/** What `queue` of an observation is, by the models that have one. */
const QUEUES: Readonly<Partial<Record<StrategyName, string>>> = {
  'half-sync-half-reactive': 'request queue',
  'half-sync-half-async': 'longest backlog',
  'simulated-proactor': 'request queue',
};

/** The name of the model's queue; null for none. */
export const queueOf = (strategy: StrategyName): string | null => QUEUES[strategy] ?? null;

/** Whether each worker waits for the events of a handle set of its own. */
export const hasOwnSets = (strategy: StrategyName): boolean => strategy === 'half-sync-half-async';

/** What a thread is called: `thread 3`, `worker 3`, `thread 5 of group 1`. */
export function threadName({
  role,
  id,
  group,
}: {
  readonly role: Role;
  readonly id: number;
  readonly group?: number;
}): string {
  const name = `${role === 'peer' ? 'thread' : role} ${id}`;
  return group === undefined ? name : `${name} of group ${group}`;
}
