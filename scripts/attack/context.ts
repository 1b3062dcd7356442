/** What the attacks of a round share: the server's address, a random source, and the violations that they have seen. */
import { connect, type Socket } from 'node:net';
import type { Attack } from '../../spec/support/proxies/attacks.js';
import { tokensIn } from '../../spec/support/proxies/transcript.js';
import { type AttackOptions, attack, type Received } from '../../spec/support/proxies/user.js';
import { type Random, randomOf } from '../../spec/support/random.js';
import type { Ports } from './messages.js';

/** How long a server may take to accept an attacker's connection. */
const CONNECT_MS = 20_000;

export const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    socket.once('close', () => resolve());
  });

export class AttackContext {
  readonly wrong: string[] = [];
  readonly #sockets = new Set<Socket>();
  #tokens = 0;

  constructor(
    readonly host: string,
    readonly ports: Ports,
    readonly random: Random,
    /** Aborted at the end of the round: attacks that have no end of their own stop then. */
    readonly over: AbortSignal,
  ) {}

  /** A random source of one attack's own, so that its choices do not depend on the progress of others. */
  fork(): Random {
    return randomOf(this.random(2 ** 31));
  }

  newToken(): string {
    return `attacker-${this.#tokens++}`;
  }

  /** One of `count` addresses that only attackers use. */
  address(random: Random, count: number): string {
    return `127.66.${random(Math.min(count, 250))}.1`;
  }

  /** A connection, which is destroyed at the end of the round; undefined if the server does not accept it in time. */
  async open(localAddress: string, port = this.ports.server): Promise<Socket | undefined> {
    const host = port === this.ports.server ? this.host : '127.0.0.1';
    const socket = connect({ host, port, localAddress, allowHalfOpen: true }).setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket)).on('error', () => {});
    socket.once('end', () => socket.end());
    const connected = await new Promise<boolean>((resolve) => {
      socket.setTimeout(CONNECT_MS, () => resolve(false));
      socket.once('connect', () => resolve(true)).once('close', () => resolve(false));
    });
    socket.setTimeout(0);
    return connected ? socket : undefined;
  }

  /** Sends these pieces and receives the answer, which must not have the token of anyone else in it. */
  async send(
    what: string,
    pieces: readonly (string | Uint8Array)[],
    options: AttackOptions = {},
  ): Promise<Received> {
    const { host, ports } = this;
    const localAddress = this.address(this.random, 4);
    const received = await attack({ host, port: ports.server, localAddress }, pieces, options);
    const strange = tokensIn(received.bytes).find((token) => !token.startsWith('attacker-'));
    if (strange !== undefined) this.wrong.push(`${what}: an attacker got the answer of ${strange}`);
    return received;
  }

  /** Carries out an attack with a known answer; any other answer is a violation. */
  async carryOut({ what, pieces, done, check }: Attack): Promise<void> {
    const received = await this.send(what, pieces, done === undefined ? {} : { done });
    this.check(what, () => check(received));
  }

  /** Runs a check; what it returns or throws is a violation. */
  check(what: string, check: () => string | undefined): void {
    try {
      const found = check();
      if (found !== undefined) this.wrong.push(`${what}: ${found}`);
    } catch (error) {
      this.wrong.push(`${what}: ${(error as Error).message}`);
    }
  }

  /** Destroys all connections that are left. */
  clear(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
