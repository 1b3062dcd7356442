/** What every attack of a campaign knows: where the server is, chance of its own, and what must not be that it saw. */
import { connect, type Socket } from 'node:net';
import type { Attack } from '../../spec/support/proxies/attacks.js';
import { tokensIn } from '../../spec/support/proxies/transcript.js';
import { type AttackOptions, attack, type Received } from '../../spec/support/proxies/user.js';
import { type Random, randomOf } from '../../spec/support/random.js';
import type { Ports } from './messages.js';

/** For how long a server may keep an attacker waiting for what it owes it. */
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
    /** Aborted once the round is to end: whoever would go on for ever goes on until then. */
    readonly over: AbortSignal,
  ) {}

  /** Chance of one attack's own, so that its choices do not depend on how the others get on. */
  fork(): Random {
    return randomOf(this.random(2 ** 31));
  }

  newToken(): string {
    return `attacker-${this.#tokens++}`;
  }

  /** One of so many addresses that are only attackers'. */
  address(random: Random, count: number): string {
    return `127.66.${random(Math.min(count, 250))}.1`;
  }

  /** A connection; undefined where none is to be had. It ends with the round, if not before. */
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

  /** Sends these pieces and takes what comes; anybody else's token in it is wrong. */
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

  /** Carries out an attack with a known answer; another answer is wrong. */
  async carryOut({ what, pieces, done, check }: Attack): Promise<void> {
    const received = await this.send(what, pieces, done === undefined ? {} : { done });
    this.check(what, () => check(received));
  }

  /** Runs a check, whose error is what is wrong. */
  check(what: string, check: () => string | undefined): void {
    try {
      const found = check();
      if (found !== undefined) this.wrong.push(`${what}: ${found}`);
    } catch (error) {
      this.wrong.push(`${what}: ${(error as Error).message}`);
    }
  }

  /** Ends all connections that are left. */
  clear(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
