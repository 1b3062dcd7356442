/**
 * Accepted connections that nobody has: a thread may die between accept4(2) and its note of the descriptor, or between the
 * end of a record and close(2). Their clients would wait for ever, and the descriptors would be missing.
 *
 * A descriptor is one of them, and is closed, when in this order
 *
 * 1. its record is FREE, and no living thread is just closing it (CLOSING),
 * 2. it is open, a socket, and its local address is the listener's: it was accepted there,
 * 3. no living thread is between accept4 and the table with it (ACCEPTING), and
 * 4. its record is still FREE, in the same generation.
 *
 * Why that is enough: a thread that closes a connection sets CLOSING before it makes the record FREE, and clears it after
 * close(2). So whoever sees FREE and then a clear CLOSING (1) looks at the number after that close; and while the record
 * stays FREE (4) nobody begins another. What is open then (2) was accepted since, or is a stray. A thread that accepts sets ACCEPTING
 * before accept4 and clears it after the record is taken: whoever sees the new connection (2), and then neither ACCEPTING (3) nor a
 * new record (4), has no new connection. So it is a stray; as nobody knows its number nobody closes it, and the number
 * cannot be handed out again before it is closed here.
 *
 * Where (1) or (3) finds a thread on its way, the descriptor is looked at again later. Where the thread that closed was cut
 * before close(2), (2) tells a stray from the file or socket of somebody else that has got the number since.
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
  /** What may be one. */
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

  /** Closes what is certain. What is not yet is kept for the next call. */
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
      // There is no descriptor left to list them with: at the next call.
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
