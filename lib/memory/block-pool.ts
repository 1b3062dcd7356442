/**
 * The pool of shared memory blocks that keep partial input between two events of a connection, so that any thread
 * can carry on.
 *
 * Words before the blocks:
 *
 * - FREE_TOP, atomic: the stack of returned blocks. Low half: number of the top block, 0 for none; high half: a tag
 *   that changes with every exchange, so that a stack that looks the same but is not is never mistaken for it.
 * - FRESH, atomic: blocks never used so far begin here; they are taken in order, so memory becomes resident as needed.
 * - IN_USE, atomic: blocks out of the pool. Counted after a block is taken and before it is given back, so it never says
 *   more than there are.
 * - PEAK, atomic: the most that IN_USE has been.
 * - NEXT[block], plain: the next block of a chain or of the free stack; the holder of the block writes it.
 *
 * Blocks are numbered from 1; 0 means none. A chain belongs to the connection whose record names its first block.
 */
import { BLOCK_BYTES, BLOCK_COUNT, POOL_HEADER_WORDS } from './layout.js';

const FREE_TOP = 0;
const FRESH = 1;
const IN_USE = 2;
const PEAK = 3;
const NUMBER_MASK = 0xffff;
const TAG_STEP = 0x1_0000;

export class BlockPool {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    const wordCount = POOL_HEADER_WORDS + BLOCK_COUNT;
    this.#words = new Int32Array(memory, 0, wordCount);
    this.#bytes = new Uint8Array(memory, wordCount * 4);
  }

  /** Blocks out of the pool; for tests and for people who look. */
  inUse(): number {
    return Atomics.load(this.#words, IN_USE);
  }

  /** The most blocks that were out at once, of BLOCK_COUNT. */
  peak(): number {
    return Atomics.load(this.#words, PEAK);
  }

  /**
   * Copies `length` bytes of `source` from `start` on into a new chain.
   *
   * @returns the number of its first block, or 0 when the pool is exhausted (nothing is kept then)
   */
  save(source: Uint8Array, start: number, length: number): number {
    let first = 0;
    let last = 0;
    for (let done = 0; done < length; done += BLOCK_BYTES) {
      const block = this.#take();
      if (block === 0) {
        this.free(first);
        return 0;
      }
      const part = Math.min(BLOCK_BYTES, length - done);
      this.#bytes.set(source.subarray(start + done, start + done + part), (block - 1) * BLOCK_BYTES);
      if (first === 0) first = block;
      else this.#words[POOL_HEADER_WORDS + last - 1] = block;
      last = block;
    }
    return first;
  }

  /** Copies the `length` bytes of a chain to `target` and returns its blocks to the pool. */
  restore(first: number, target: Uint8Array, length: number): void {
    let block = first;
    for (let done = 0; done < length; done += BLOCK_BYTES) {
      const part = Math.min(BLOCK_BYTES, length - done);
      const at = (block - 1) * BLOCK_BYTES;
      target.set(this.#bytes.subarray(at, at + part), done);
      block = this.#words[POOL_HEADER_WORDS + block - 1]!;
    }
    this.free(first);
  }

  /** Returns a chain to the pool. */
  free(first: number): void {
    for (let block = first; block !== 0; ) {
      const next = this.#words[POOL_HEADER_WORDS + block - 1]!;
      this.#give(block);
      block = next;
    }
  }

  #take(): number {
    const words = this.#words;
    for (;;) {
      const top = Atomics.load(words, FREE_TOP);
      const block = top & NUMBER_MASK;
      if (block === 0) break;
      const next = Atomics.load(words, POOL_HEADER_WORDS + block - 1);
      const replaced = (((top & ~NUMBER_MASK) + TAG_STEP) | next) >> 0;
      if (Atomics.compareExchange(words, FREE_TOP, top, replaced) === top) return this.#out(block);
    }
    if (Atomics.load(words, FRESH) >= BLOCK_COUNT) return 0;
    const fresh = Atomics.add(words, FRESH, 1);
    if (fresh < BLOCK_COUNT) return this.#out(fresh + 1);
    Atomics.sub(words, FRESH, 1);
    return 0;
  }

  #out(block: number): number {
    const words = this.#words;
    const inUse = Atomics.add(words, IN_USE, 1) + 1;
    for (let peak = Atomics.load(words, PEAK); inUse > peak; ) {
      const found = Atomics.compareExchange(words, PEAK, peak, inUse);
      if (found === peak) break;
      peak = found;
    }
    Atomics.store(words, POOL_HEADER_WORDS + block - 1, 0);
    return block;
  }

  #give(block: number): void {
    const words = this.#words;
    Atomics.sub(words, IN_USE, 1);
    for (;;) {
      const top = Atomics.load(words, FREE_TOP);
      Atomics.store(words, POOL_HEADER_WORDS + block - 1, top & NUMBER_MASK);
      const replaced = (((top & ~NUMBER_MASK) + TAG_STEP) | block) >> 0;
      if (Atomics.compareExchange(words, FREE_TOP, top, replaced) === top) return;
    }
  }
}
