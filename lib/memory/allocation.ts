/** Allocates the shared memory, whose layout is in memory/layout.ts. */
import { channelsBytes } from './channel-words.js';
import {
  BLOCK_BYTES,
  BLOCK_COUNT,
  HANDLE_WORDS,
  INPUT_BYTES,
  POOL_HEADER_WORDS,
  SCAN_CURSOR,
  threadArea,
} from './layout.js';
import { ROUTES_BYTES } from './route-words.js';

export interface SharedMemory {
  readonly control: SharedArrayBuffer;
  readonly handles: SharedArrayBuffer;
  readonly blocks: SharedArrayBuffer;
  readonly inputs: SharedArrayBuffer;
  readonly routes: SharedArrayBuffer;
  readonly channels: SharedArrayBuffer;
}

/**
 * Allocates zeroed memory for `threads` threads and descriptors below `descriptors`.
 *
 * @param blocks of the pool; specs that fill it have fewer
 * @param channels of the connections with descriptors below it. Default: none
 */
export function allocateMemory(
  threads: number,
  descriptors: number,
  blocks = BLOCK_COUNT,
  channels = 0,
): SharedMemory {
  const memory = {
    control: new SharedArrayBuffer(threadArea(threads) * 4),
    // One record more than descriptors: its first word is the end of the numbers in use, see set/handle-table.ts.
    handles: new SharedArrayBuffer((descriptors + 1) * HANDLE_WORDS * 4),
    blocks: new SharedArrayBuffer(POOL_HEADER_WORDS * 4 + blocks * (4 + BLOCK_BYTES)),
    inputs: new SharedArrayBuffer(threads * INPUT_BYTES),
    routes: new SharedArrayBuffer(ROUTES_BYTES),
    channels: new SharedArrayBuffer(channelsBytes(channels)),
  };
  new Int32Array(memory.control)[SCAN_CURSOR] = -1;
  return memory;
}
