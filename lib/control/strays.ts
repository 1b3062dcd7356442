/**
 * Accepted connections that no thread knows: a thread may die between accept4(2) and recording the descriptor, or between freeing a
 * record and close(2). Their clients would wait for ever, and the descriptors would leak.
 *
 * A descriptor is a stray, and is closed, when in this order
 *
 * 1. its record is FREE, and no living thread is just closing it (CLOSING),
 * 2. it is open, a socket, and its local address is that of a listener: it was accepted there,
 * 3. it is not one more descriptor of a socket whose record a living thread owns (net.Socket objects have such ones),
 * 4. no living thread is between accept4 and the table with it (ACCEPTING), and
 * 5. its record is still FREE, in the same generation, and it is the same socket as at 3.
 *
 * Why that is enough: a thread that closes a connection sets CLOSING before it frees the record, and clears it after close(2). So
 * after seeing FREE and then a clear CLOSING (1), that close is over; and while the record stays FREE (5) no other begins. What
 * is open then (2) has been accepted since, or is a stray, or another descriptor of a connection, which is closed before the record: while
 * it is open (3 to 5), the record is there to be seen (3). A thread that accepts sets ACCEPTING before accept4 and clears it
 * after the record is taken. So when the connection is seen (2), and after that neither ACCEPTING (4) nor a new record (5), it is
 * not a new one. It is a stray; no thread knows its number, so none closes it, and the kernel cannot return the number again
 * before it is closed here.
 *
 * Of a server with several groups, a record and a thread are those of any group, as all of them have the same addresses.
 *
 * Where (1), (4) or (5) finds a thread in between, the descriptor is looked at again later. Where a thread died before close(2), (2)
 * distinguishes the stray from a file or socket of other code that has got the number since.
 */
import { fstatSync, readdirSync } from 'node:fs';
import { FIRST_ACCEPTED, PLACE_TAKEN } from '../connection/acceptor.js';
import { FIRST_CLOSING } from '../connection/close.js';
import { ACCEPTING, CLOSING, threadArea } from '../memory/layout.js';
import { FREE, type HandleTable } from '../set/handle-table.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { isStream, localAddress, type SocketAddress } from '../sys/socket.js';

/** The memory of a thread set, as far as it names descriptors. */
export interface SetRecords {
  readonly control: SharedArrayBuffer;
  readonly table: HandleTable;
  readonly threads: number;
}

export class Strays {
  readonly #sets: readonly SetRecords[];
  readonly #origins = new Set<SocketAddress>();
  /** Descriptors that may be strays. */
  readonly #suspects = new Set<number>();
  #everywhere = false;
  /** The sockets of connections that threads own, as of this call of `close`. */
  #owned: Set<bigint | undefined> | null = null;

  /** @param sets all sets that accept at the same addresses; the caller may add to them later */
  constructor(sets: readonly SetRecords[]) {
    this.#sets = sets;
  }

  /** @param origin the address of a listening socket of the set */
  addOrigin(origin: SocketAddress): void {
    this.#origins.add(origin);
  }

  /** The listening socket is closed. @param origin the object given to `addOrigin` */
  removeOrigin(origin: SocketAddress): void {
    this.#origins.delete(origin);
  }

  /** A descriptor may be a stray. */
  lookAt(fd: number): void {
    this.#suspects.add(fd);
  }

  /** Any descriptor of the process may be one. */
  lookEverywhere(): void {
    this.#everywhere = true;
  }

  /** Closes the certain ones. The uncertain ones are kept for the next call. */
  close(): void {
    if (this.#everywhere) this.#suspectAll();
    this.#owned = null;
    for (const fd of this.#suspects) {
      if (!this.#isOnItsWay(fd)) this.#suspects.delete(fd);
    }
  }

  #suspectAll(): void {
    try {
      for (const name of readdirSync('/proc/self/fd')) this.#suspects.add(Number(name));
      this.#everywhere = false;
    } catch {
      // No descriptor is left to list them with: the next call tries again.
    }
  }

  /** Closes a stray. @returns whether it is to be looked at again */
  #isOnItsWay(fd: number): boolean {
    if (!this.#isFree(fd)) return false;
    const generations = this.#generations(fd);
    if (this.#someThread(CLOSING, (word) => word === FIRST_CLOSING + fd)) return true;
    if (!this.#wasAccepted(fd)) return false;
    const inode = inodeOf(fd);
    if (this.#isOfConnection(inode)) return false;
    const mayBeIts = (word: number) => word === PLACE_TAKEN || word === FIRST_ACCEPTED + fd;
    if (this.#someThread(ACCEPTING, mayBeIts)) return true;
    if (!this.#isFree(fd) || this.#generations(fd).join() !== generations.join()) return false;
    if (inodeOf(fd) !== inode) return true;
    closeDescriptor(fd);
    return false;
  }

  /** Whether no set has a record of the descriptor. */
  #isFree(fd: number): boolean {
    return this.#sets.every(({ table }) => fd >= table.capacity || table.state(fd) === FREE);
  }

  #generations(fd: number): number[] {
    return this.#sets.map(({ table }) => (fd < table.capacity ? table.generation(fd) : 0));
  }

  #someThread(word: number, holds: (value: number) => boolean): boolean {
    for (const { control, threads } of this.#sets) {
      const words = new Int32Array(control);
      for (let thread = 0; thread < threads; thread++) {
        if (holds(Atomics.load(words, threadArea(thread) + word))) return true;
      }
    }
    return false;
  }

  #wasAccepted(fd: number): boolean {
    // A datagram socket may have the same address.
    if (!isStream(fd)) return false;
    const local = localAddress(fd);
    return local !== undefined && [...this.#origins].some((origin) => isFrom(origin, local));
  }

  /**
   * Whether a thread owns a connection of that socket. Most duplicates are found among the sockets that were owned when the call began; what is
   * not is looked for once more, as its descriptor may be a duplicate that is younger.
   */
  #isOfConnection(inode: bigint | undefined): boolean {
    this.#owned ??= new Set(this.#ownedInodes());
    if (this.#owned.has(inode)) return true;
    for (const owned of this.#ownedInodes()) if (owned === inode) return true;
    return false;
  }

  *#ownedInodes(): Generator<bigint | undefined> {
    for (const { table } of this.#sets) {
      for (let fd = 0; fd < table.end(); fd++) if (table.owner(fd) >= 0) yield inodeOf(fd);
    }
  }
}

/** Whether a connection with that local address may have been accepted there. */
function isFrom(origin: SocketAddress, local: SocketAddress): boolean {
  if (local.port !== origin.port) return false;
  if ((local.family === 'Unix') !== (origin.family === 'Unix')) return false;
  return local.address === origin.address || isAnyAddress(origin.address);
}

/** Which socket a descriptor is; undefined if it is closed. */
function inodeOf(fd: number): bigint | undefined {
  try {
    return fstatSync(fd, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}

/** Connections to such a listener have the address that the client asked for. */
const isAnyAddress = (address: string): boolean => address === '0.0.0.0' || address === '::';
