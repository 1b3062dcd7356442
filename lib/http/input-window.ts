/**
 * The received bytes of one connection that are not done with: a window of its thread's input buffer.
 *
 *   bytes:  ┄┄┄┄┄│ from ── of an unfinished head, or not parsed ── at ── not parsed ── to │┄┄┄ room for more ┄┄┄
 *
 * The buffer is shared by all connections of the thread, so the window holds only while one of them is dispatched; in between
 * its bytes are kept in memory of their own, or saved for whichever thread comes next (http/saved-message.ts).
 */
import { RECEIVE_BYTES } from '../connection/limits.js';
import { receive } from '../sys/socket.js';

const NOTHING = new Uint8Array(0);

/** The input buffer of a thread. It lies in shared memory, so that the control plane can see which request is in hand. */
export class InputBuffer {
  readonly bytes: Buffer;

  constructor(
    memory: Buffer,
    readonly address: number,
    maxHeaderSize: number,
  ) {
    // One receive, beside the longest head that is kept in front of it.
    this.bytes = memory.subarray(0, RECEIVE_BYTES + maxHeaderSize);
  }
}

export class InputWindow {
  readonly #buffer: InputBuffer;
  readonly bytes: Buffer;
  from = 0;
  at = 0;
  to = 0;
  #kept: Uint8Array | null = null;
  /** How many of the kept bytes are parsed: a dispatch may end before all of them are. */
  #keptParsed = 0;

  constructor(buffer: InputBuffer) {
    this.#buffer = buffer;
    this.bytes = buffer.bytes;
  }

  /** Whether there is anything to parse. */
  get unparsed(): boolean {
    return this.at < this.to;
  }

  get length(): number {
    return this.to - this.from;
  }

  /** What was parsed up to `at` is done with. */
  consume(at: number): void {
    this.at = at;
    this.from = at;
  }

  /** Everything is done with. */
  clear(): void {
    this.from = 0;
    this.at = 0;
    this.to = 0;
  }

  /** The bytes at the front of the buffer are the window's: `parsed` of an unfinished head, or not parsed. */
  place(length: number, parsed: boolean): void {
    this.from = 0;
    this.to = length;
    this.at = parsed ? length : 0;
  }

  /** Bytes that the next receive can take. */
  makeRoom(): number {
    const { bytes } = this;
    if (this.from === this.to) this.clear();
    else if (this.from > 0 && bytes.length - this.to < RECEIVE_BYTES) {
      bytes.copyWithin(0, this.from, this.to);
      this.place(this.to - this.from, true);
    }
    return bytes.length - this.to;
  }

  /** Receives behind what is there, all of which is parsed. @returns as receive of sys/socket.ts */
  receive(fd: number, room: number): number {
    const count = receive(fd, this.#buffer.address + this.to, room);
    if (count > 0) {
      this.at = this.to;
      this.to += count;
    }
    return count;
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
