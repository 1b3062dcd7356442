/**
 * An unfinished message between two events: the parser's registers in the connection's record, the bytes in the block pool. The
 * thread that takes the next event restores them and continues.
 */

import type { ThreadContext } from '../connection/event-handler.js';
import {
  clearFlag,
  clearSavedBlock,
  hasFlag,
  networkOf,
  registersAt,
  savedBlock,
  savedLength,
  setFlag,
  storeNetwork,
  storeSaved,
} from '../set/handle-record.js';
import { remoteNetwork } from '../sys/socket.js';
import { HAS_SAVED } from './flags.js';
import type { HttpThread } from './http-thread.js';
import type { RequestParser } from './parser/request-parser.js';

/**
 * Saves `length` bytes of `input` from `from` on, and the parser's registers.
 *
 * @returns false when the pool is exhausted
 */
export function saveMessage(
  thread: HttpThread,
  fd: number,
  parser: RequestParser,
  input: Uint8Array,
  from: number,
  length: number,
): boolean {
  if (!saveInput(thread, fd, input, from, length)) return thread.eviction.refused();
  saveRegisters(thread, fd, parser);
  return true;
}

/**
 * Saves input that the next thread parses from its first byte on: a message and what follows it.
 *
 * @returns false when the pool is exhausted; nothing has changed then
 */
export function saveUnparsed(
  thread: HttpThread,
  fd: number,
  parser: RequestParser,
  input: Uint8Array,
  from: number,
  length: number,
): boolean {
  if (!saveInput(thread, fd, input, from, length)) return false;
  parser.reset();
  saveRegisters(thread, fd, parser);
  return true;
}

function saveInput(
  { context: { pool, table }, eviction }: HttpThread,
  fd: number,
  input: Uint8Array,
  from: number,
  length: number,
): boolean {
  const block = length === 0 ? 0 : pool.save(input, from, length);
  if (length > 0) {
    if (block === 0) return false;
    if (networkOf(table, fd) === 0) storeNetwork(table, fd, remoteNetwork(fd));
    eviction.saved();
  }
  storeSaved(table, fd, block, length);
  return true;
}

function saveRegisters({ context: { table } }: HttpThread, fd: number, parser: RequestParser): void {
  parser.save(table.words, registersAt(fd));
  setFlag(table, fd, HAS_SAVED);
}

/** Restores what was saved, or resets the parser for a new message. @returns how many bytes were put at the front of `input` */
export function restoreMessage(
  { pool, table }: ThreadContext,
  fd: number,
  parser: RequestParser,
  input: Uint8Array,
): number {
  if (!hasFlag(table, fd, HAS_SAVED)) {
    parser.reset();
    return 0;
  }
  const block = savedBlock(table, fd);
  const length = savedLength(table, fd);
  clearFlag(table, fd, HAS_SAVED);
  // The thread's name is put on the blocks before they leave the record, and they leave the record before they are freed: if this
  // thread dies in between, they are neither lost nor freed twice.
  pool.take(block);
  clearSavedBlock(table, fd);
  if (block !== 0) pool.restore(block, input, length);
  parser.load(table.words, registersAt(fd));
  return length;
}
