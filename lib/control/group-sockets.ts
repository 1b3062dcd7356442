/**
 * The sockets of a server with several groups: each group listens at an address by a socket of its own, and accepts from that one only.
 *
 * The first group that listens at an address opens its socket as a server with one group does, so an address that anybody else has is
 * refused (EADDRINUSE). With SO_REUSEPORT, bind(2) would join a server of the same user instead, without a word. So that option is set
 * once the first socket listens; from then on no socket without the option can be bound there. The other groups bind further sockets, which
 * have it from the beginning, and the kernel deals connections to all of them, by a hash of both addresses (socket(7)).
 *
 * The groups take a duplicate of the first descriptor instead, and so accept from one queue, where
 *
 * - the socket is a Unix socket, which has no SO_REUSEPORT (shared-path.ts), or inherited: others decide how it was bound;
 * - `paceline dev` keeps the socket open between two versions of the app: connections that wait in it reach the next version, and those
 *   in another queue would be lost with it.
 *
 * Each connection there wakes the leader of every group, and the quickest has it.
 *
 * What threads of Node servers ask for is shared in the same way: equal requests of different groups get one address, so `port: 0` is one
 * port for all. Of several equal requests of one group, each gets an address of its own, in the same order in every group.
 */
import { closeDescriptor, duplicateDescriptor } from '../sys/descriptor.js';
import { bindListener, type SocketAddress, sharePort, startListening } from '../sys/socket.js';
import type { ListenRequest } from '../thread/messages.js';
import { BACKLOG, describeAddress, type Listener, openRequested } from './listener.js';
import { isEqual } from './listener-entry.js';
import type { OwnAddress } from './own-address.js';
import { SharedPath } from './shared-path.js';
import { socketKeeper } from './socket-keeper.js';

/** One address at which groups listen, or are about to. */
interface Place {
  /** With what threads have asked for it; null for an own address. */
  readonly request: ListenRequest | null;
  /** The groups that listen there, or are about to. */
  readonly groups: Set<number>;
  /** Their sockets, which listen, or do so before anything else happens. */
  readonly open: Set<Listener>;
  /** Whether further groups get a duplicate of the first descriptor. */
  readonly isOneQueue: boolean;
  /** The socket of a path; null for none, and before it is open. */
  shared: SharedPath | null;
  /** Settled once the groups that have asked so far have their sockets, or none. */
  settled: Promise<unknown>;
}

export class GroupSockets {
  readonly #places = new Set<Place>();
  /** Of each own address: how many groups have neither taken nor dropped it, and whether one has taken it. */
  readonly #own = new Map<OwnAddress, { undecided: number; isTaken: boolean }>();

  /** The own addresses of a server, as those of one of its groups. */
  ownOf(own: readonly OwnAddress[], group: number, groups: number): OwnAddress[] {
    return own.map((address) => {
      this.#own.set(address, { undecided: groups, isTaken: false });
      return address.forGroup({
        take: () => this.#takeOwn(address, group),
        drop: () => this.#dropOwn(address),
      });
    });
  }

  /**
   * Opens the socket that a server of Node in the group asks for. It listens already.
   *
   * @throws PacelineError as `openRequested`
   */
  open(request: ListenRequest, group: number): Promise<Listener> {
    const place = this.#placeOf(request, group);
    place.groups.add(group);
    // One after the other, as the first one decides which port it is.
    const opened = place.settled.then(() => this.#join(place, request, group));
    place.settled = opened.catch(() => this.#leave(place, group));
    return opened;
  }

  /** The place where other groups have asked for the same and this one has not, or a new one. */
  #placeOf(request: ListenRequest, group: number): Place {
    for (const place of this.#places) {
      if (place.request !== null && isEqual(place.request, request) && !place.groups.has(group)) return place;
    }
    return this.#newPlace(request, socketKeeper() !== null);
  }

  #newPlace(request: ListenRequest | null, isOneQueue: boolean): Place {
    const place: Place = {
      request,
      groups: new Set(),
      open: new Set(),
      isOneQueue,
      shared: null,
      settled: Promise.resolve(),
    };
    this.#places.add(place);
    return place;
  }

  async #join(place: Place, request: ListenRequest, group: number): Promise<Listener> {
    const [open] = place.open;
    // Also where the group that has opened it has closed its own meanwhile.
    if (place.shared !== null) {
      place.shared.restore();
      return this.#kept(place, place.shared.duplicate(), group);
    }
    const listener =
      open === undefined ? await openFirst(place, request) : further(open, place, request.backlog);
    return this.#kept(place, listener, group);
  }

  /** Called for what the caller has listen at once. */
  #takeOwn(own: OwnAddress, group: number): Listener {
    const state = this.#own.get(own)!;
    state.undecided--;
    const place = this.#placeAt(own.address) ?? this.#newPlace(null, own.isInherited);
    place.groups.add(group);
    const [open] = place.open;
    if (open !== undefined) return this.#kept(place, further(open, place, 0), group);
    try {
      // Taken before, it was closed again: by a server of the app that looks whether the port is free, for example.
      const listener = state.isTaken ? boundAt(own.address) : own.take();
      state.isTaken = true;
      return this.#kept(place, shareOf(place, listener), group);
    } catch (error) {
      this.#leave(place, group);
      throw error;
    }
  }

  /** Nobody serves an own address that all groups have dropped. */
  #dropOwn(own: OwnAddress): void {
    const state = this.#own.get(own)!;
    if (--state.undecided === 0 && !state.isTaken) own.drop();
  }

  #placeAt(address: SocketAddress): Place | undefined {
    const where = describeAddress(address);
    return [...this.#places].find(({ open }) =>
      [...open].some((listener) => describeAddress(listener.address) === where),
    );
  }

  #kept(place: Place, listener: Listener, group: number): Listener {
    place.open.add(listener);
    const close = () => {
      place.open.delete(listener);
      this.#leave(place, group);
      listener.close();
    };
    return { ...listener, close };
  }

  #leave(place: Place, group: number): void {
    place.groups.delete(group);
    if (place.groups.size > 0) return;
    this.#places.delete(place);
    place.shared?.close();
  }
}

/** @throws PacelineError as `openRequested` */
async function openFirst(place: Place, request: ListenRequest): Promise<Listener> {
  for (;;) {
    const listener = shareOf(place, await openRequested(request));
    if (place.shared === null || !place.shared.isLost) return listener;
    // Each thread removes the path once, so this ends.
    listener.close();
    place.shared.close();
    place.shared = null;
  }
}

/** The first socket of a place, as its group has it. */
function shareOf(place: Place, first: Listener): Listener {
  if (first.path === null) return first;
  place.shared = new SharedPath(first, first.path);
  return place.shared.duplicate();
}

/** A further socket at the address of one that listens. */
function further({ fd, address }: Listener, { isOneQueue, shared }: Place, backlog: number): Listener {
  if (shared !== null) return shared.duplicate();
  if (isOneQueue || address.family === 'Unix') return closable(duplicateDescriptor(fd), address);
  sharePort(fd);
  const listener = closable(bindListener(address, true), address);
  try {
    startListening(listener.fd, backlog || BACKLOG);
    return listener;
  } catch (error) {
    listener.close();
    throw error;
  }
}

const boundAt = (address: SocketAddress): Listener => closable(bindListener(address), address);

const closable = (fd: number, address: SocketAddress): Listener => ({
  fd,
  address,
  path: null,
  close: () => closeDescriptor(fd),
});
