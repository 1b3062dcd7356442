/**
 * The server's own addresses, those of listen(). They are bound before the threads start, so that these know them, and taken when it
 * turns out who serves them; whether one could be bound matters only then.
 */
import { PacelineError } from '../errors.js';
import { isWildcard } from '../options/host-port.js';
import { checkListenOptions, type ListenOptions } from '../options/listen-options.js';
import type { SocketAddress } from '../sys/socket.js';
import type { ListenRequest, OwnListenOptions, Protocol } from '../thread/messages.js';
import { type Listener, openListener, resolveAddress } from './listener.js';

/** What is done with the bound socket: one of both, once. */
export interface Outcome {
  take(): Listener;
  drop(): void;
}

export class OwnAddress {
  /** Where it is bound, or where it should be. */
  readonly address: SocketAddress;
  /** Whether its socket was bound by who started the process. */
  readonly isInherited: boolean;
  /** Null once it is taken or dropped. */
  #bound: Outcome | PacelineError | null;

  private constructor(address: SocketAddress, isInherited: boolean, bound: Outcome | PacelineError) {
    this.address = address;
    this.isInherited = isInherited;
    this.#bound = bound;
  }

  /** @throws PacelineError `PACELINE_ADDRESS` if there is no such address */
  static async bind(options: ListenOptions): Promise<OwnAddress> {
    const wanted = await resolveAddress(options);
    const isInherited = options.fd !== undefined;
    try {
      const listener = await openListener(options);
      const bound = { take: () => listener, drop: () => listener.close() };
      return new OwnAddress(listener.address, isInherited, bound);
    } catch (error) {
      if (!(error instanceof PacelineError)) throw error;
      return new OwnAddress(wanted, isInherited, error);
    }
  }

  /**
   * As `bind`, for each of them. Nothing is left bound where it throws.
   *
   * @throws PacelineError `PACELINE_OPTION` for options that listen() does not have, `PACELINE_ADDRESS`
   */
  static async bindAll(list: readonly ListenOptions[]): Promise<readonly OwnAddress[]> {
    checkListenOptions(list);
    const bound: OwnAddress[] = [];
    try {
      for (const options of list) bound.push(await OwnAddress.bind(options));
      return bound;
    } catch (error) {
      for (const own of bound) own.drop();
      throw error;
    }
  }

  /** The same address, as one of several groups has it. To be called before it is taken or dropped. */
  forGroup(outcome: Outcome): OwnAddress {
    const bound = this.#bound instanceof PacelineError ? this.#bound : outcome;
    return new OwnAddress(this.address, this.isInherited, bound);
  }

  /** With which a server of a thread asks for this address. */
  get listenOptions(): OwnListenOptions {
    const { address, family, port } = this.address;
    return family === 'Unix' ? { path: address } : { host: address, port };
  }

  /** Whether a thread asks for this address. */
  isAskedBy({ address, port, path }: ListenRequest): boolean {
    const own = this.address;
    if (this.#bound === null) return false;
    if (own.family === 'Unix') return path === own.address;
    if (path !== null || port !== own.port) return false;
    // A socket for all addresses could not be bound beside an inherited one, which listens already.
    return address === own.address || (address === null && this.isInherited && isWildcard(own.address));
  }

  /** The request that a thread would make for it. */
  request(protocol: Protocol): ListenRequest {
    const { address, family, port } = this.address;
    if (family === 'Unix') return { address: null, port: -1, path: address, backlog: 0, protocol };
    return { address, port, path: null, backlog: 0, protocol };
  }

  /** The bound socket, which is the caller's from then on. @throws PacelineError if it could not be bound */
  take(): Listener {
    const bound = this.#bound;
    if (bound === null || bound instanceof PacelineError) {
      throw bound ?? new PacelineError('PACELINE_STATE', "the server's address was given away already");
    }
    this.#bound = null;
    return bound.take();
  }

  /** Nobody serves it. */
  drop(): void {
    const bound = this.#bound;
    this.#bound = null;
    if (bound !== null && !(bound instanceof PacelineError)) bound.drop();
  }
}
