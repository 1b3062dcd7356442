/**
 * The channels: for each connection two rings of bytes in shared memory, and words that say what is to be done and what has come of it. Each
 * ring has one producer and one consumer, and no lock: a position is written by one side only, after the bytes that it counts.
 *
 *   socket ── recv ──▶ input ring ── receive ──▶ the worker's buffer          INPUT_PUT ─▶ INPUT_TAKEN
 *   socket ◀── send ── output ring ◀── transmit ── the worker's buffer        OUTPUT_TAKEN ◀─ OUTPUT_PUT
 *    the I/O thread                     the worker
 *
 * The worker of a connection changes as it does in every model: the handle's state word orders one after the other. The I/O thread is never
 * inside a connection to process it, and is the only one that calls the kernel for a socket's bytes (until the worker detaches it), and the only
 * one that closes it. So nobody uses a descriptor that another thread has closed.
 *
 * What is to be done is asked for by bits of CHANNEL_ASKED; what was put into the output ring before comes first:
 *
 *   SHUTS     when all is sent, shut down sending
 *   CLOSES    when all is sent, close. The worker has then passed the handle to the I/O thread, and touches neither any more
 *   AT_ONCE   with CLOSES: send what the kernel takes without waiting
 *   RESETS    closing, or the end of the process, resets the connection; unsent output is discarded then
 *   COMPLETES with RESETS: until all is sent. Unsent output is not discarded
 *   DETACHES  when all is sent, leave the socket to the worker (status DETACHED)
 */

import type { SharedMemory } from '../memory/allocation.js';
import {
  CHANNEL_ASKED,
  CHANNEL_ERRNO,
  CHANNEL_STATUS,
  channelArea,
  INPUT_PUT,
  INPUT_RING_BYTES,
  INPUT_TAKEN,
  OUTPUT_PUT,
  OUTPUT_RING_BYTES,
  OUTPUT_TAKEN,
  ROOM_AWAITED,
  ringsAt,
} from '../memory/channel-words.js';
import { descriptorsOf } from '../set/handle-table.js';
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { addressOf } from '../sys/libc.js';
import { OperationBoard } from './operation-board.js';

/** Bits of CHANNEL_ASKED. */
export const SHUTS = 1;
export const CLOSES = 2;
export const AT_ONCE = 4;
export const RESETS = 8;
export const DETACHES = 16;
export const COMPLETES = 32;

/** Bits of CHANNEL_STATUS. The peer has ended its side, as the kernel has reported; input may still be in the socket. */
export const INPUT_ENDING = 1;
/** All input is in the ring. */
export const INPUT_ENDED = 2;
/** Receiving has failed, with CHANNEL_ERRNO; nothing follows what is in the ring. */
export const INPUT_FAILED = 4;
/** The ring was full: the I/O thread receives no more until the worker has made room. */
export const INPUT_WAITS = 8;
/** Sending has failed; output is discarded. */
export const OUTPUT_FAILED = 16;
/** Sending is shut down. */
export const IS_SHUT = 32;
/** The socket is set to reset the connection when it is closed. */
export const IS_RESETTING = 64;
/** The kernel reports when the socket becomes writable. */
export const OUTPUT_WATCHED = 128;
/** The connection's first event was reported, by the I/O thread that lives. */
export const IS_KNOWN = 256;
/** The I/O thread does nothing to the socket any more, but close it. */
export const DETACHED = 512;

/** Written by recovery: the end may be in the socket though the kernel does not report it again. */
export const END_UNSEEN = 1024;

const INPUT_MASK = INPUT_RING_BYTES - 1;
const OUTPUT_MASK = OUTPUT_RING_BYTES - 1;

/**
 * The channels of a set; null in models that have none.
 *
 * @param wakeUp the wake-up handle
 * @param doorbells of the threads
 */
export function channelsOf(
  { channels, handles }: SharedMemory,
  wakeUp: number,
  doorbells: readonly number[],
): Channels | null {
  if (channels.byteLength === 0) return null;
  return new Channels(channels, descriptorsOf(handles), wakeUp, doorbells[IO_THREAD]!);
}

export class Channels {
  readonly words: Int32Array;
  readonly board: OperationBoard;
  /** Where the memory begins, for system calls. */
  readonly address: number;
  readonly #bytes: Uint8Array;
  readonly #count: number;

  /**
   * @param count of channels; descriptors at or above have none
   * @param wakeUp and `doorbell`: see OperationBoard
   */
  constructor(memory: SharedArrayBuffer, count: number, wakeUp: number, doorbell: number) {
    this.#count = count;
    this.words = new Int32Array(memory, 0, channelArea(count));
    this.board = new OperationBoard(this.words, wakeUp, doorbell);
    this.#bytes = new Uint8Array(memory);
    this.address = addressOf(this.#bytes);
  }

  /** Forgets a connection. Nobody uses its channel: the caller is about to close the connection. */
  clear(fd: number): void {
    this.words.fill(0, channelArea(fd), channelArea(fd + 1));
  }

  // ---- words ---------------------------------------------------------------------------------------------------------------

  hasStatus(fd: number, bits: number): boolean {
    return (Atomics.load(this.words, channelArea(fd) + CHANNEL_STATUS) & bits) !== 0;
  }

  /** Called only by the I/O thread. */
  setStatus(fd: number, bits: number): void {
    Atomics.or(this.words, channelArea(fd) + CHANNEL_STATUS, bits);
  }

  /** Called only by the I/O thread. */
  clearStatus(fd: number, bits: number): void {
    Atomics.and(this.words, channelArea(fd) + CHANNEL_STATUS, ~bits);
  }

  asked(fd: number): number {
    return Atomics.load(this.words, channelArea(fd) + CHANNEL_ASKED);
  }

  /** Called only by the worker. */
  ask(fd: number, bits: number): void {
    Atomics.or(this.words, channelArea(fd) + CHANNEL_ASKED, bits);
  }

  /** Called only by the worker. */
  takeBack(fd: number, bits: number): void {
    Atomics.and(this.words, channelArea(fd) + CHANNEL_ASKED, ~bits);
  }

  // ---- the worker ------------------------------------------------------------------------------------------------------------

  /** Moves input to target[at, at + max). @returns how many bytes; 0 when there are none */
  take(fd: number, target: Uint8Array, at: number, max: number): number {
    const area = channelArea(fd);
    const taken = this.words[area + INPUT_TAKEN]!;
    const length = Math.min((Atomics.load(this.words, area + INPUT_PUT) - taken) | 0, max);
    if (length === 0) return 0;
    const ring = ringsAt(this.#count, fd);
    const from = taken & INPUT_MASK;
    const first = Math.min(length, INPUT_RING_BYTES - from);
    target.set(this.#bytes.subarray(ring + from, ring + from + first), at);
    if (first < length) target.set(this.#bytes.subarray(ring, ring + length - first), at + first);
    Atomics.store(this.words, area + INPUT_TAKEN, (taken + length) | 0);
    return length;
  }

  /** Bytes that fit into the output ring now. Called by the worker. */
  outputRoom(fd: number): number {
    const area = channelArea(fd);
    const used = (this.words[area + OUTPUT_PUT]! - Atomics.load(this.words, area + OUTPUT_TAKEN)) | 0;
    return OUTPUT_RING_BYTES - used;
  }

  /** Puts source[from, end), for which there is room, into the output ring. */
  put(fd: number, source: Uint8Array, from: number, end: number): void {
    const length = end - from;
    const area = channelArea(fd);
    const put = this.words[area + OUTPUT_PUT]!;
    const ring = ringsAt(this.#count, fd) + INPUT_RING_BYTES;
    const to = put & OUTPUT_MASK;
    const first = Math.min(length, OUTPUT_RING_BYTES - to);
    this.#bytes.set(source.subarray(from, from + first), ring + to);
    if (first < length) this.#bytes.set(source.subarray(from + first, end), ring);
    Atomics.store(this.words, area + OUTPUT_PUT, (put + length) | 0);
  }

  /** Where the next output is put: bytes without a break, for `putWritten`. */
  outputSpace(fd: number): Uint8Array {
    const room = this.outputRoom(fd);
    const to = this.words[channelArea(fd) + OUTPUT_PUT]! & OUTPUT_MASK;
    const at = ringsAt(this.#count, fd) + INPUT_RING_BYTES + to;
    return this.#bytes.subarray(at, at + Math.min(room, OUTPUT_RING_BYTES - to));
  }

  /** The first `length` bytes of `outputSpace` are written. */
  putWritten(fd: number, length: number): void {
    const at = channelArea(fd) + OUTPUT_PUT;
    Atomics.store(this.words, at, (this.words[at]! + length) | 0);
  }

  /**
   * Has the I/O thread report when half of the ring is free. Both sides write and then look, so one of them sees the other.
   *
   * @returns whether half of it is free already, and nothing will be reported
   */
  awaitRoom(fd: number): boolean {
    const area = channelArea(fd);
    const awaited = (this.words[area + OUTPUT_PUT]! - OUTPUT_RING_BYTES / 2) | 0;
    Atomics.store(this.words, area + ROOM_AWAITED, awaited);
    return ((Atomics.load(this.words, area + OUTPUT_TAKEN) - awaited) | 0) >= 0;
  }

  /** The errno with which receiving failed. */
  errno(fd: number): number {
    return this.words[channelArea(fd) + CHANNEL_ERRNO]!;
  }

  // ---- the I/O thread --------------------------------------------------------------------------------------------------------

  /** Bytes that fit into the input ring now, without a break. Called by the I/O thread. */
  inputRoom(fd: number): number {
    const area = channelArea(fd);
    const put = this.words[area + INPUT_PUT]!;
    const used = (put - Atomics.load(this.words, area + INPUT_TAKEN)) | 0;
    return Math.min(INPUT_RING_BYTES - used, INPUT_RING_BYTES - (put & INPUT_MASK));
  }

  /** Whether the worker may have yet to take input, or its end. Called by the I/O thread. */
  hasInput(fd: number): boolean {
    const area = channelArea(fd);
    if (this.hasStatus(fd, INPUT_ENDED | INPUT_FAILED)) return true;
    return this.words[area + INPUT_PUT] !== Atomics.load(this.words, area + INPUT_TAKEN);
  }

  /** Where they lie, in bytes from the beginning of the memory. */
  inputAt(fd: number): number {
    return ringsAt(this.#count, fd) + (this.words[channelArea(fd) + INPUT_PUT]! & INPUT_MASK);
  }

  /** `length` bytes were received to `inputAt`. */
  received(fd: number, length: number): void {
    const at = channelArea(fd) + INPUT_PUT;
    Atomics.store(this.words, at, (this.words[at]! + length) | 0);
  }

  /** Receiving has failed. */
  failInput(fd: number, errno: number): void {
    this.words[channelArea(fd) + CHANNEL_ERRNO] = errno;
    this.setStatus(fd, INPUT_FAILED);
  }

  /** Bytes that are to be sent. Called by the I/O thread. */
  outputLength(fd: number): number {
    const area = channelArea(fd);
    return (Atomics.load(this.words, area + OUTPUT_PUT) - this.words[area + OUTPUT_TAKEN]!) | 0;
  }

  /** How many of them lie without a break at `outputAt`. */
  outputUnbroken(fd: number, length: number): number {
    const from = this.words[channelArea(fd) + OUTPUT_TAKEN]! & OUTPUT_MASK;
    return Math.min(length, OUTPUT_RING_BYTES - from);
  }

  /** Where the first of them lies, in bytes from the beginning of the memory. */
  outputAt(fd: number): number {
    const from = this.words[channelArea(fd) + OUTPUT_TAKEN]! & OUTPUT_MASK;
    return ringsAt(this.#count, fd) + INPUT_RING_BYTES + from;
  }

  /** `length` bytes from `outputAt` were sent, or are discarded. @returns whether the worker wants to hear of room now */
  sent(fd: number, length: number): boolean {
    const area = channelArea(fd);
    const before = this.words[area + OUTPUT_TAKEN]!;
    Atomics.store(this.words, area + OUTPUT_TAKEN, (before + length) | 0);
    const until = (Atomics.load(this.words, area + ROOM_AWAITED) - before) | 0;
    return until > 0 && until <= length;
  }
}
