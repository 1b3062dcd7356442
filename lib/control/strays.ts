/**
 * Accepted connections that no thread knows: a thread may die between accept4(2) and recording the descriptor, or between freeing a
 * record and close(2). Their clients would wait for ever, and the descriptors would leak.
 *
 * A descriptor is a stray, and is closed, when in this order
 *
 * 1. its record is FREE, and no living thread is just closing it (CLOSING),
 * 2. it is open, a socket, and its local address is the listener's: it was accepted there,
 * 3. no living thread is between accept4 and the table with it (ACCEPTING), and
 * 4. its record is still FREE, in the same generation.
 *
 * Why that is enough: a thread that closes a connection sets CLOSING before it frees the record, and clears it after close(2). So
 * after seeing FREE and then a clear CLOSING (1), that close is over; and while the record stays FREE (4) no other begins. What
 * is open then (2) has been accepted since, or is a stray. A thread that accepts sets ACCEPTING before accept4 and clears it
 * after the record is taken. So when the connection is seen (2), and after that neither ACCEPTING (3) nor a new record (4), it is
 * not a new one. It is a stray; no thread knows its number, so none closes it, and the kernel cannot return the number again
 * before it is closed here.
 *
 * Where (1) or (3) finds a thread in between, the descriptor is looked at again later. Where a thread died before close(2), (2)
 * distinguishes the stray from a file or socket of other code that has got the number since.
 */
import { readdirSync } from 'node:fs';
import { FIRST_ACCEPTED, PLACE_TAKEN } from '../connection/acceptor.js';
import { FIRST_CLOSING } from '../connection/close.js';
import { ACCEPTING, CLOSING, threadArea } from '../memory/layout.js';
import { FREE, type HandleTable } from '../set/handle-table.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { isStream, localAddress, type SocketAddress } from '../sys/socket.js';

export class Strays {
  readonly #words: Int32Array;
  readonly #table: HandleTable;
  readonly #threads: number;
  readonly #origin: SocketAddress;
  /** Descriptors that may be strays. */
  readonly #suspects = new Set<number>();
  #everywhere = false;

  /** @param origin the address of the listening socket */
  constructor(control: SharedArrayBuffer, table: HandleTable, threads: number, origin: SocketAddress) {
    this.#words = new Int32Array(control);
    this.#table = table;
    this.#threads = threads;
    this.#origin = origin;
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
    const known = fd < this.#table.capacity;
    if (known && this.#table.state(fd) !== FREE) return false;
    const generation = known ? this.#table.generation(fd) : 0;
    if (this.#someThread(CLOSING, (word) => word === FIRST_CLOSING + fd)) return true;
    if (!this.#wasAccepted(fd)) return false;
    const mayBeIts = (word: number) => word === PLACE_TAKEN || word === FIRST_ACCEPTED + fd;
    if (this.#someThread(ACCEPTING, mayBeIts)) return true;
    if (known && (this.#table.state(fd) !== FREE || this.#table.generation(fd) !== generation)) return false;
    closeDescriptor(fd);
    return false;
  }

  #someThread(word: number, holds: (value: number) => boolean): boolean {
    for (let thread = 0; thread < this.#threads; thread++) {
      if (holds(Atomics.load(this.#words, threadArea(thread) + word))) return true;
    }
    return false;
  }

  #wasAccepted(fd: number): boolean {
    // A datagram socket may have the same address.
    if (!isStream(fd)) return false;
    const own = this.#origin;
    const local = localAddress(fd);
    if (local === undefined || local.port !== own.port) return false;
    if ((local.family === 'Unix') !== (own.family === 'Unix')) return false;
    return local.address === own.address || isAnyAddress(own.address);
  }
}

/** Connections to such a listener have the address that the client asked for. */
const isAnyAddress = (address: string): boolean => address === '0.0.0.0' || address === '::';
