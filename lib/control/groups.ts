/**
 * The control plane of a server, as the server object sees it: that of its only thread set, or of several, the groups. Each group is a
 * thread set of its own, with its memory, handle set, threads and sockets; no thread knows another group. What they have in common is
 *
 * - the addresses (group-sockets.ts),
 * - the numbers of threads: thread t of group g has the number g * threads + t wherever a user sees it,
 * - maxConnections, of which each group has its part: a client that is dealt to a full group waits, although another one may have room,
 * - the cores: each group has hosts, and wakes followers, for its part of them,
 * - what is observed (observe/groups.ts).
 *
 * The rules S1 to S6 of plane.ts hold for each group. The server serves as soon as one group does; its start is complete once all are, and
 * fails if one fails. A group listens once it has a thread to serve, so no connection is dealt to one that still loads.
 *
 * All groups shut down at the same time, by the steps of shutdown.ts, each of them as if it were alone: it closes a socket when no connection
 * waits there. The kernel then deals new ones to the groups whose sockets are still open, until there is none.
 */
import { availableParallelism } from 'node:os';
import { GroupsObserver, levelSum } from '../observe/groups.js';
import type { Level, Observed, ThreadInfo } from '../observe/observation.js';
import { shareOf } from '../options/groups.js';
import type { ListenOptions } from '../options/listen-options.js';
import type { ResolvedOptions } from '../options/server-options.js';
import { CutTotals } from './cut-totals.js';
import type { Group } from './group.js';
import { GroupSockets } from './group-sockets.js';
import { describeAddress } from './listener.js';
import type { ListenerInfo } from './listener-entry.js';
import { OwnAddress } from './own-address.js';
import { ControlPlane } from './plane.js';
import type { PlaneEvents } from './plane-events.js';
import type { SetRecords } from './strays.js';
import { handleLimits } from './system.js';

/** What the server object has of its control plane. */
export type Plane = Pick<
  ControlPlane,
  | 'start'
  | 'stop'
  | 'serving'
  | 'listeners'
  | 'listening'
  | 'threads'
  | 'connections'
  | 'pool'
  | 'reportTransitions'
  | 'cut'
> & { readonly observer: Observed };

/** As {@link ControlPlane.open}, for as many groups as the options say. */
export function openPlane(
  options: ResolvedOptions,
  where: readonly ListenOptions[],
  events: PlaneEvents,
): Promise<Plane> {
  return options.groups === 1
    ? ControlPlane.open(options, where, events)
    : Groups.open(options, where, events);
}

class Groups implements Plane {
  readonly #planes: ControlPlane[] = [];
  readonly #events: PlaneEvents;
  #observer: GroupsObserver | null = null;
  #released = 0;

  private constructor(events: PlaneEvents) {
    this.#events = events;
  }

  /** @throws PacelineError; nothing is left open then */
  static async open(
    options: ResolvedOptions,
    where: readonly ListenOptions[],
    events: PlaneEvents,
  ): Promise<Groups> {
    const own = await OwnAddress.bindAll(where);
    const { groups: count, threads } = options;
    const limits = handleLimits(count * threads.max, options);
    const sockets = new GroupSockets();
    const sets: SetRecords[] = [];
    const groups = new Groups(events);
    const ownOf = Array.from({ length: count }, (_, index) => sockets.ownOf(own, index, count));
    try {
      for (const [index, addresses] of ownOf.entries()) {
        const group: Group = {
          index,
          firstThread: index * threads.max,
          cores: Math.max(1, shareOf(availableParallelism(), index, count)),
          limits: { ...limits, maxConnections: shareOf(limits.maxConnections, index, count) },
          sets,
          open: (request) => sockets.open(request, index),
        };
        groups.#planes.push(await ControlPlane.openGroup(options, addresses, groups.#eventsOf(index), group));
      }
    } catch (error) {
      // Those of the group that failed are dropped already.
      for (const addresses of ownOf.slice(groups.#planes.length + 1))
        for (const each of addresses) each.drop();
      await groups.stop(0);
      throw error;
    }
    return groups;
  }

  #eventsOf(index: number): PlaneEvents {
    const events = this.#events;
    return {
      ...events,
      serving: () => {
        if (this.#others(index).every(({ serving }) => !serving)) events.serving();
      },
      listening: (listener) => {
        const where = keyOf(listener);
        const known = this.#others(index).flatMap(({ listeners }) => listeners.map(keyOf));
        if (!known.includes(where)) events.listening(listener);
      },
      released: () => {
        if (++this.#released === this.#planes.length) events.released();
      },
    };
  }

  #others(index: number): ControlPlane[] {
    return this.#planes.filter((_, each) => each !== index);
  }

  async start(): Promise<void> {
    await Promise.all(this.#planes.map((plane) => plane.start()));
  }

  async stop(drainMs: number): Promise<void> {
    const stopped = await Promise.allSettled(this.#planes.map((plane) => plane.stop(drainMs)));
    const failed = stopped.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  get serving(): boolean {
    return this.#planes.some(({ serving }) => serving);
  }

  /** The addresses of all groups, each once. */
  get listeners(): readonly ListenerInfo[] {
    const all = this.#planes.flatMap(({ listeners }) => listeners);
    return [...new Map(all.map((listener) => [keyOf(listener), listener])).values()];
  }

  get listening(): ListenerInfo {
    const plane = this.#planes.find(({ listeners }) => listeners.length > 0) ?? this.#planes[0]!;
    return plane.listening;
  }

  threads(): ThreadInfo[] {
    return this.#planes.flatMap((plane) => plane.threads());
  }

  connections(): number {
    return this.#planes.reduce((sum, plane) => sum + plane.connections(), 0);
  }

  pool(): Level {
    return levelSum(this.#planes.map((plane) => plane.pool()));
  }

  reportTransitions(on: boolean): void {
    for (const plane of this.#planes) plane.reportTransitions(on);
  }

  get cut(): CutTotals {
    const cut = new CutTotals();
    for (const plane of this.#planes) cut.add(plane.cut.routes);
    return cut;
  }

  get observer(): GroupsObserver {
    this.#observer ??= new GroupsObserver(this.#planes.map(({ observer }) => observer));
    return this.#observer;
  }
}

const keyOf = ({ address, protocol }: ListenerInfo): string => `${protocol} ${describeAddress(address)}`;
