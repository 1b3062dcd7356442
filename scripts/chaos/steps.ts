/**
 * The steps of the protocol at which a thread can be told to die: before and after each of these calls. The names are those of
 * lib; a name that lib has no more is an error, so that no step goes untested because it was renamed.
 */

/** Classes of lib whose methods are steps, and where they are. */
export const METHODS: Readonly<
  Record<string, { readonly module: string; readonly calls: readonly string[] }>
> = {
  ThreadSet: {
    module: 'set/thread-set',
    calls: ['join', 'promoteNewLeader', 'yieldLeadership', 'aboutToBlock', 'process', 'park'],
  },
  ParkingLot: {
    module: 'set/parking-lot',
    calls: ['park', 'wake', 'wakeOne', 'claimFree', 'claimHost', 'ring'],
  },
  Watch: { module: 'set/watch', calls: ['begin', 'check', 'end'] },
  HandleTable: {
    module: 'set/handle-table',
    calls: ['open', 'close', 'claim', 'enterIdle', 'leave', 'bind', 'unbind', 'takeNoted'],
  },
  HandleSet: {
    module: 'set/handle-set',
    calls: ['completeRegistration', 'suspendHandle', 'resumeHandle', 'waitForEvent'],
  },
  ReadyList: { module: 'set/ready-list', calls: ['take', 'refill'] },
  Mailbox: { module: 'set/mailbox', calls: ['put', 'peek', 'remove'] },
  HandOver: { module: 'thread/hand-over', calls: ['passesOn'] },
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

const numbers = new Map(STEPS.map((name, number) => [name, number]));

/** The number of a step. */
export function stepNumber(side: 'before' | 'after', call: string): number {
  const number = numbers.get(`${side} ${call}`);
  if (number === undefined) throw new Error(`no step ${side} ${call}`);
  return number;
}
