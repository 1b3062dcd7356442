/**
 * The steps of the protocol at which a thread can be told to die: before and after each of these calls. The names are those of
 * lib; a name that lib has no more is an error, so that no step goes untested because it was renamed.
 */

import { STRATEGIES, type StrategyName } from '../../lib/strategies/descriptions.js';

interface Methods {
  readonly module: string;
  readonly calls: readonly string[];
  /** The models that call them; all of them by default. */
  readonly of?: readonly StrategyName[];
}

const WITH_FOLLOWERS: readonly StrategyName[] = ['leader-followers'];
const WITH_CHANNELS: readonly StrategyName[] = ['simulated-proactor'];
const WITH_QUEUE: readonly StrategyName[] = ['half-sync-half-reactive', ...WITH_CHANNELS];
const WITH_THREADS = STRATEGIES.filter((strategy) => strategy !== 'reactor');

/** Classes of lib whose methods are steps, and where they are. */
export const METHODS: Readonly<Record<string, Methods>> = {
  ThreadSet: {
    module: 'set/thread-set',
    calls: [
      ...['join', 'promoteNewLeader', 'yieldLeadership', 'aboutToBlock', 'process', 'park'],
      ...['waitForAll', 'waitForOwn'],
    ],
  },
  ParkingLot: {
    module: 'set/parking-lot',
    calls: ['park', 'wake', 'wakeOne', 'claimFree', 'claimHost', 'ring'],
    of: WITH_THREADS,
  },
  Watch: { module: 'set/watch', calls: ['begin', 'check', 'end'], of: WITH_FOLLOWERS },
  HandleTable: {
    module: 'set/handle-table',
    calls: ['open', 'close', 'claim', 'enterIdle', 'leave', 'bind', 'unbind', 'takeNoted', 'route', 'pass'],
  },
  HandleSet: {
    module: 'set/handle-set',
    calls: ['completeRegistration', 'suspendHandle', 'resumeHandle', 'waitForEvent'],
  },
  ReadyList: { module: 'set/ready-list', calls: ['take', 'refill'] },
  Mailbox: { module: 'set/mailbox', calls: ['put', 'peek', 'remove'], of: WITH_THREADS },
  RequestQueue: { module: 'set/request-queue', calls: ['put', 'take', 'settled'], of: WITH_QUEUE },
  QueueWakeUps: {
    module: 'set/queue-wake-ups',
    calls: ['put', 'check', 'awaitRoom', 'madeRoom'],
    of: WITH_QUEUE,
  },
  HandOver: { module: 'strategies/hand-over', calls: ['passesOn'], of: WITH_FOLLOWERS },
  Channels: {
    module: 'proactor/channels',
    calls: ['clear', 'ask', 'take', 'put', 'awaitRoom', 'received', 'sent'],
    of: WITH_CHANNELS,
  },
  OperationBoard: {
    module: 'proactor/operation-board',
    calls: ['post', 'take', 'beginSleep'],
    of: WITH_CHANNELS,
  },
  OperationProcessor: {
    module: 'proactor/operation-processor',
    calls: ['ready', 'perform', 'tick'],
    of: WITH_CHANNELS,
  },
  BlockPool: { module: 'memory/block-pool', calls: ['save', 'take', 'restore', 'free'] },
};

/** System calls that lib/sys makes through koffi. */
export const SYSTEM_CALLS = [
  ...['accept4', 'recv', 'send', 'sendfile', 'shutdown', 'close'],
  ...['epoll_ctl', 'epoll_wait', 'ppoll', 'read', 'write'],
] as const;

const CALLS = [
  ...Object.entries(METHODS).flatMap(([owner, { calls }]) => calls.map((call) => `${owner}.${call}`)),
  ...SYSTEM_CALLS,
];

/** All steps, by number. */
export const STEPS: readonly string[] = CALLS.flatMap((call) => [`before ${call}`, `after ${call}`]);

/** The steps that threads of a model may take. */
export function stepsOf(strategy: StrategyName): string[] {
  const others = Object.entries(METHODS).filter(([, { of }]) => of !== undefined && !of.includes(strategy));
  const owners = new Set(others.map(([owner]) => owner));
  return STEPS.filter((step) => !owners.has(/ (\w+)/.exec(step)![1]!));
}

const numbers = new Map(STEPS.map((name, number) => [name, number]));

/** The number of a step. */
export function stepNumber(side: 'before' | 'after', call: string): number {
  const number = numbers.get(`${side} ${call}`);
  if (number === undefined) throw new Error(`no step ${side} ${call}`);
  return number;
}
