/**
 * A handle's record: typed access to its plain words, by descriptor. Only the state word is not here; it belongs to
 * handle-table.ts, which also knows the kind (`HandleTable.kind`).
 *
 * One owner: all words belong to the thread that is inside the handle, or that the handle is bound to. It alone writes them,
 * and it reads them without atomics: leaving a handle and entering it exchange the state word, which orders them. After the
 * death of that thread they are the control plane's.
 *
 *   word        written by                                       read from outside, too
 *   kind        HandleTable.open                                 by recovery and observers
 *   flags       the event handler, bits of its own               -
 *   requests    the event handler, where a limit counts them     -
 *   saved       the event handler, when it leaves in the middle  the block by recovery, block and length by head eviction
 *   registers   the HTTP parser, at `registersAt`                -
 *   deadline    the event handler; 0 by HandleTable.close        by the timeouts, once a tick, and by head eviction
 *   network     the event handler, with the first saved input    by head eviction
 *
 * A reader from outside may see a word of a record that changes meanwhile, or that describes another connection by now. What it
 * concludes is a guess: it enters the handle, or has the event noted there, and the thread inside looks again.
 *
 * The functions take the table and a number instead of returning an object: nothing is allocated, and they are inlined. Those
 * that look through all records (`firstDue`, `nextSaved`) are loops of their own for the same reason.
 */
import {
  HANDLE_BLOCK,
  HANDLE_DEADLINE,
  HANDLE_FLAGS,
  HANDLE_NETWORK,
  HANDLE_PARSER,
  HANDLE_REQUESTS,
  HANDLE_SAVED,
  HANDLE_WORDS,
} from '../memory/layout.js';
import type { HandleTable } from './handle-table.js';

// ---- deadline --------------------------------------------------------------------------------------------------------

/** The tick at which the connection's time is up, 0 for never. Callable from any thread. */
export function deadlineOf(table: HandleTable, fd: number): number {
  return table.words[fd * HANDLE_WORDS + HANDLE_DEADLINE]!;
}

/** @param tick as `deadlineOf` returns it */
export function storeDeadline(table: HandleTable, fd: number, tick: number): void {
  table.words[fd * HANDLE_WORDS + HANDLE_DEADLINE] = tick;
}

/**
 * The first descriptor from `from` on whose deadline has passed. Callable from any thread.
 *
 * @param now the present tick; ticks wrap, so they are compared by their difference
 * @returns the table's end or more when there is none
 */
export function firstDue(table: HandleTable, from: number, now: number): number {
  const { words } = table;
  const end = table.end();
  for (let fd = from, at = from * HANDLE_WORDS + HANDLE_DEADLINE; fd < end; fd++, at += HANDLE_WORDS) {
    const deadline = words[at]!;
    if (deadline !== 0 && ((deadline - now) | 0) <= 0) return fd;
  }
  return end;
}

// ---- flags and requests ------------------------------------------------------------------------------------------------

export function hasFlag(table: HandleTable, fd: number, flag: number): boolean {
  return (table.words[fd * HANDLE_WORDS + HANDLE_FLAGS]! & flag) !== 0;
}

/** Those of `flags` that are set. */
export function flagsOf(table: HandleTable, fd: number, flags: number): number {
  return table.words[fd * HANDLE_WORDS + HANDLE_FLAGS]! & flags;
}

export function setFlag(table: HandleTable, fd: number, flag: number): void {
  table.words[fd * HANDLE_WORDS + HANDLE_FLAGS]! |= flag;
}

export function clearFlag(table: HandleTable, fd: number, flag: number): void {
  table.words[fd * HANDLE_WORDS + HANDLE_FLAGS]! &= ~flag;
}

/** Counts one more request on the connection. @returns how many there are */
export function countRequest(table: HandleTable, fd: number): number {
  return ++table.words[fd * HANDLE_WORDS + HANDLE_REQUESTS]!;
}

// ---- saved input -------------------------------------------------------------------------------------------------------

/** The first block of the saved input in the pool, 0 for none. Callable from any thread. */
export function savedBlock(table: HandleTable, fd: number): number {
  return table.words[fd * HANDLE_WORDS + HANDLE_BLOCK]!;
}

/** The bytes saved, as of the last `storeSaved`. Callable from any thread. */
export function savedLength(table: HandleTable, fd: number): number {
  return table.words[fd * HANDLE_WORDS + HANDLE_SAVED]!;
}

export function storeSaved(table: HandleTable, fd: number, block: number, length: number): void {
  const at = fd * HANDLE_WORDS;
  table.words[at + HANDLE_BLOCK] = block;
  table.words[at + HANDLE_SAVED] = length;
}

/** The record names no block any more. */
export function clearSavedBlock(table: HandleTable, fd: number): void {
  table.words[fd * HANDLE_WORDS + HANDLE_BLOCK] = 0;
}

/** The first descriptor from `from` on that has saved input; the table's end or more when there is none. Callable from any thread. */
export function nextSaved(table: HandleTable, from: number): number {
  const { words } = table;
  const end = table.end();
  for (let fd = from, at = from * HANDLE_WORDS + HANDLE_BLOCK; fd < end; fd++, at += HANDLE_WORDS) {
    if (words[at] !== 0) return fd;
  }
  return end;
}

/** Where the HTTP parser's registers begin in `table.words`. */
export function registersAt(fd: number): number {
  return fd * HANDLE_WORDS + HANDLE_PARSER;
}

// ---- network -----------------------------------------------------------------------------------------------------------

/** The client's network as remoteNetwork of sys/socket.ts returns it, 0 while it is unknown. Callable from any thread. */
export function networkOf(table: HandleTable, fd: number): number {
  return table.words[fd * HANDLE_WORDS + HANDLE_NETWORK]!;
}

export function storeNetwork(table: HandleTable, fd: number, network: number): void {
  table.words[fd * HANDLE_WORDS + HANDLE_NETWORK] = network;
}
