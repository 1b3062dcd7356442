/**
 * The received bytes of one connection that are not consumed: a window of its thread's input buffer.
 *
 *   bytes:  ┄┄┄┄┄│ from ── of an unfinished head, or not parsed ── at ── not parsed ── to │┄┄┄ room for more ┄┄┄
 *
 * The buffer is shared by all connections of the thread, so the window is valid during a dispatch only. In between, its bytes are
 * kept in memory of the connection's own, or saved for the thread that takes the next event (saved-message.ts).
 */
import { RECEIVE_BYTES } from '../connection/limits.js';
import type { Transport } from '../connection/transport.js';

const NOTHING = new Uint8Array(0);

/** The part of a thread's input buffer that its HTTP connections use, from its first byte on. It lies in shared memory, so that observers see which request is being handled. */
export class InputBuffer {
  readonly bytes: Buffer;

  constructor(memory: Buffer, maxHeaderSize: number) {
    // One receive, beside the longest head that is kept in front of it.
    this.bytes = memory.subarray(0, RECEIVE_BYTES + maxHeaderSize);
  }
}

export class InputWindow {
  readonly #transport: Transport;
  readonly bytes: Buffer;
  from = 0;
  at = 0;
  to = 0;
  #kept: Uint8Array | null = null;
  /** How many of the kept bytes are parsed: a dispatch may end before all are. */
  #keptParsed = 0;

  constructor(buffer: InputBuffer, transport: Transport) {
    this.#transport = transport;
    this.bytes = buffer.bytes;
  }

  /** Whether there is anything to parse. */
  get unparsed(): boolean {
    return this.at < this.to;
  }

  get length(): number {
    return this.to - this.from;
  }

  /** Consumes what is parsed, up to `at`. */
  consume(at: number): void {
    this.at = at;
    this.from = at;
  }

  /** Consumes everything. */
  clear(): void {
    this.from = 0;
    this.at = 0;
    this.to = 0;
  }

  /** Makes the first `length` bytes of the buffer the window: of an unfinished head and `parsed`, or not parsed. */
  place(length: number, parsed: boolean): void {
    this.from = 0;
    this.to = length;
    this.at = parsed ? length : 0;
  }

  /** Moves the window where there is no room behind it. @returns the bytes that the next receive may take */
  makeRoom(): number {
    const { bytes } = this;
    if (this.from === this.to) this.clear();
    else if (this.from > 0 && bytes.length - this.to < RECEIVE_BYTES) {
      bytes.copyWithin(0, this.from, this.to);
      this.place(this.to - this.from, true);
    }
    return bytes.length - this.to;
  }

  /** Receives behind the window, all of which is parsed. @returns as Transport.receive */
  receive(fd: number, room: number): number {
    const count = this.#transport.receive(fd, this.to, room);
    if (count > 0) {
      this.at = this.to;
      this.to += count;
    }
    return count;
  }

  /** Takes all that is not parsed, for other code than the parser; also what was received of a socket that is detached. */
  takeRest(fd: number): Buffer {
    const rest = Buffer.from(this.bytes.subarray(this.at, this.to));
    this.clear();
    const unread = this.#transport.unread(fd, 0, this.bytes.length);
    return unread === 0 ? rest : Buffer.concat([rest, this.bytes.subarray(0, unread)]);
  }

  /** Keeps the bytes until `restore`, while the buffer serves others. */
  keep(): void {
    this.#keptParsed = this.at - this.from;
    this.#kept = this.length === 0 ? NOTHING : new Uint8Array(this.bytes.subarray(this.from, this.to));
  }

  /** Puts kept bytes back, if there are any. */
  restore(): void {
    const kept = this.#kept;
    if (kept === null) return;
    this.#kept = null;
    this.place(kept.length, false);
    this.at = this.#keptParsed;
    this.bytes.set(kept);
  }
}

/** Of what was received in place of a head, as much as a log shows. */
const MAX_LINE_BYTES = 2049;

/** The first line of what is not consumed, as far as it was received; latin1. */
export function firstLine({ bytes, from, to }: InputWindow): string {
  const text = bytes.toString('latin1', from, Math.min(to, from + MAX_LINE_BYTES));
  return /[^\r\n]+/.exec(text)?.[0] ?? '';
}
