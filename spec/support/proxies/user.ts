/** The two users of a proxy: an attacker, and a careful user who checks every byte of the answers. */
import { connect, type NetConnectOpts } from 'node:net';
import { setImmediate as nextPass } from 'node:timers/promises';
import type { Random } from '../random.js';
import { Client, type Target } from '../server/http-client.js';
import { within } from '../server/wait.js';
import { exchangeOf } from './bystander.js';

/**
 * How long an attacker waits for more bytes: with a known end, and without one. These bound nothing that is tested: an
 * attacker that leaves early only leaves the rest of the answer unread.
 */
const PATIENT_MS = 5000;
const QUIET_MS = 60;

/** Sends ordinary requests, and checks every byte of the answers. */
export class CarefulUser {
  readonly #target: Target;
  readonly #random: Random;
  readonly #name: string;
  #client: Client | null = null;
  /** How many answers were correct. */
  verified = 0;

  constructor(target: Target, random: Random, name: string) {
    this.#target = target;
    this.#random = random;
    this.#name = name;
  }

  /** Sends some requests, one after the other, on one connection. @throws with what is wrong with an answer */
  async ask(count: number): Promise<void> {
    this.#client ??= await Client.connect(this.#target);
    for (let left = count; left > 0; left--) {
      const exchange = exchangeOf(this.#random, `${this.#name}-${this.verified}`);
      for (const piece of exchange.pieces) {
        void this.#client.send(Buffer.from(piece, 'latin1'));
        await nextPass();
      }
      const wrong = exchange.check(await this.#client.answer());
      if (wrong !== undefined) throw new Error(`${exchange.what}: ${wrong}`);
      if (this.#client.waiting > 0) throw new Error(`${exchange.what}: bytes behind the answer`);
      this.verified++;
    }
  }

  async leave(): Promise<void> {
    await this.#client?.close();
  }
}

/** What an attacker received, and how the connection ended. */
export interface Received {
  readonly bytes: Buffer;
  /** Undefined: the attacker left. */
  readonly end: 'FIN' | 'RST' | undefined;
}

/** In place of a piece: the next one is sent once something has been received. */
export const ONCE_ANSWERED = '';

export interface AttackOptions {
  /** Whether enough has been received to go on at once. */
  readonly done?: (got: Buffer) => boolean;
  /** Called once everything is sent. */
  readonly sent?: () => void;
}

/** Sends pieces, and receives until the connection ends, or nothing has come for a while. */
export async function attack(
  target: Target,
  pieces: readonly (string | Uint8Array)[],
  { done, sent = () => {} }: AttackOptions = {},
): Promise<Received> {
  const socket = connect(target as NetConnectOpts).setNoDelay(true);
  let got = Buffer.alloc(0);
  let end: Received['end'];
  let quiet: NodeJS.Timeout | undefined;
  const came = new Promise((resolve) => socket.once('data', resolve));
  const over = new Promise<void>((resolve) => {
    const wait = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(resolve, done === undefined ? QUIET_MS : PATIENT_MS);
    };
    socket.on('data', (part: Buffer) => {
      got = Buffer.concat([got, part]);
      if (done?.(got)) resolve();
      else wait();
    });
    socket.on('end', () => {
      end ??= 'FIN';
      resolve();
    });
    socket.on('error', () => {
      end ??= 'RST';
    });
    socket.on('close', () => resolve());
    socket.on('connect', wait);
  });
  for (const piece of pieces) {
    if (piece === ONCE_ANSWERED) await Promise.race([over, came]);
    if (!socket.writable) break;
    await new Promise<void>((resolve) => {
      socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece, () => resolve());
    });
    await nextPass();
  }
  sent();
  await within('the end of an attack', over);
  clearTimeout(quiet);
  socket.destroy();
  return { bytes: got, end };
}
