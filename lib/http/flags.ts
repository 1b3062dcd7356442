/** Bits of an HTTP connection's HANDLE_FLAGS; they belong to the thread that is inside. */
import { HANDLE_FLAGS, HANDLE_WORDS } from '../memory/layout.js';
import type { HandleTable } from '../set/handle-table.js';

/** Parser registers and input of an unfinished message are saved. */
export const HAS_SAVED = 1;
/** The handle set also reports when the connection becomes writable. */
export const INTERESTED_IN_OUTPUT = 2;
/** A request has been answered, and nothing of the next one has come. */
export const BETWEEN_REQUESTS = 4;
/** Everything is sent and said; what the client still sends is read away until it ends, too. */
export const LINGERING = 8;

export function hasFlag(table: HandleTable, fd: number, flag: number): boolean {
  return (table.words[fd * HANDLE_WORDS + HANDLE_FLAGS]! & flag) !== 0;
}

export function setFlag(table: HandleTable, fd: number, flag: number): void {
  table.words[fd * HANDLE_WORDS + HANDLE_FLAGS]! |= flag;
}

export function clearFlag(table: HandleTable, fd: number, flag: number): void {
  table.words[fd * HANDLE_WORDS + HANDLE_FLAGS]! &= ~flag;
}
