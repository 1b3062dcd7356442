/**
 * The concurrency models by their names, and what people are told of them: plain data, for options, the dashboard and its page.
 *
 * Every model has the same states of a thread (set/thread-state.ts); what a state is called depends on the thread's role.
 */

/** The models of the server literature that a server can run. */
export type StrategyName =
  | 'leader-followers'
  | 'half-sync-half-reactive'
  | 'half-sync-half-async'
  | 'simulated-proactor'
  | 'reactor';

/** What a thread is in its model. A peer is as any other. */
export type Role = 'peer' | 'reactor' | 'acceptor' | 'proactor' | 'worker';

/** The states that a thread has while it takes part, by what they are called. */
export interface StateWords {
  /** It waits on a handle set. */
  readonly leader: string;
  /** It waits for another thread. */
  readonly follower: string;
  readonly processing: string;
}

export interface StrategyDescription {
  /** The name in the literature. */
  readonly title: string;
  /** What the threads do, in a sentence. */
  readonly summary: string;
  /** Where the model is described. */
  readonly source: string;
  /** Threads that it needs, and can use. */
  readonly minThreads: number;
  readonly maxThreads: number;
  /** Threads that run no handler of a connection: the first ones. */
  readonly ioThreads: number;
  /** The role of the first thread, and of the others. */
  readonly roles: readonly [first: Role, others: Role];
}

/** As many as a set has: MAX_THREADS of memory/layout.ts. */
const ANY = 128;
const POSA2 = 'Schmidt, Stal, Rohnert, Buschmann: Pattern-Oriented Software Architecture, volume 2';

export const DESCRIPTIONS: Readonly<Record<StrategyName, StrategyDescription>> = {
  'leader-followers': {
    title: 'Leader/Followers',
    summary:
      'Threads take turns: the one that leads waits for an event, promotes a follower, and processes the event itself.',
    source: `${POSA2}, Leader/Followers`,
    minThreads: 1,
    maxThreads: ANY,
    ioThreads: 0,
    roles: ['peer', 'peer'],
  },
  'half-sync-half-reactive': {
    title: 'Half-Sync/Half-Reactive',
    summary:
      'One thread waits for events and puts them into a queue; workers take from the queue, read, process and answer.',
    source: `${POSA2}, Half-Sync/Half-Async, variant Half-Sync/Half-Reactive`,
    minThreads: 2,
    maxThreads: ANY,
    ioThreads: 1,
    roles: ['reactor', 'worker'],
  },
  'half-sync-half-async': {
    title: 'Half-Sync/Half-Async',
    summary:
      'One thread accepts connections and deals them out; every worker waits for the events of its own connections.',
    source: `${POSA2}, Half-Sync/Half-Async`,
    minThreads: 2,
    maxThreads: ANY,
    ioThreads: 1,
    roles: ['acceptor', 'worker'],
  },
  'simulated-proactor': {
    title: 'Simulated Proactor',
    summary:
      'One thread reads and writes for all connections; workers take from a queue what has input, process it, and give output back.',
    source: `${POSA2}, Proactor, with asynchronous operations emulated by a thread`,
    minThreads: 2,
    maxThreads: ANY,
    ioThreads: 1,
    roles: ['proactor', 'worker'],
  },
  reactor: {
    title: 'Reactor',
    summary: 'One thread waits for events and processes each itself, one after the other.',
    source: `${POSA2}, Reactor`,
    minThreads: 1,
    maxThreads: 1,
    ioThreads: 0,
    roles: ['reactor', 'worker'],
  },
};

/** The models that this version can run, the default first. */
export const STRATEGIES: readonly StrategyName[] = [
  'leader-followers',
  'reactor',
  'half-sync-half-reactive',
  'half-sync-half-async',
  'simulated-proactor',
];

const WORDS_OF_PEERS: StateWords = { leader: 'leader', follower: 'follower', processing: 'processing' };
const WORDS_OF_ROLES: StateWords = { leader: 'waiting', follower: 'idle', processing: 'processing' };

/** The role of a thread of the set. */
export function roleOf(strategy: StrategyName, thread: number): Role {
  const [first, others] = DESCRIPTIONS[strategy].roles;
  return thread === 0 ? first : others;
}

/** What the states of a thread with that role are called. */
export const stateWords = (role: Role): StateWords => (role === 'peer' ? WORDS_OF_PEERS : WORDS_OF_ROLES);
