/**
 * The pool of shared memory blocks that keep partial input between two events of a connection, so that any thread
 * can carry on.
 *
 * Words before the blocks:
 *
 * - FREE_TOP, atomic: the stack of returned blocks. Low half: number of the top block, 0 for none; high half: a tag
 *   that changes with every exchange, so that a stack with the same top but another content is recognised (the ABA problem).
 * - FRESH, atomic: blocks never used so far begin here; they are taken in order, so memory becomes resident as needed.
 * - IN_USE, atomic: blocks out of the pool.
 * - PEAK, atomic: the maximum of IN_USE so far.
 * - NEXT[block], atomic: low half: the next block of a chain or of the free stack; high half, for blocks out of the pool: 1 + the
 *   thread that held the block last. Written by the holder of the block.
 *
 * Blocks are numbered from 1; 0 means none. A chain belongs to the connection whose record names its first block. On the way
 * between pool and record a thread holds it; if the thread dies then, `reclaim` finds the blocks by its name on them. A thread
 * may be ended at any call of a function and at any loop (connection/acceptor.ts says why), so a block's name is written by the
 * statement behind the exchange that takes it, and removed by the exchange that returns it.
 */
import { BLOCK_BYTES, POOL_HEADER_WORDS } from './layout.js';

/** As in set/handle-table.ts, which this folder must not import. */
const CONTROL_PLANE = 0xff;

const FREE_TOP = 0;
const FRESH = 1;
const IN_USE = 2;
const PEAK = 3;
const NUMBER_MASK = 0xffff;
const TAG_STEP = 0x1_0000;
/** The name of a block's last holder, above the number of the next block. */
const HOLDER_SHIFT = 16;

export class BlockPool {
  /** The number of blocks. */
  readonly size: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #name: number;

  /** @param self the thread that this object belongs to */
  constructor(memory: SharedArrayBuffer, self = CONTROL_PLANE) {
    this.#name = nameOf(self);
    this.size = (memory.byteLength - POOL_HEADER_WORDS * 4) / (4 + BLOCK_BYTES);
    const wordCount = POOL_HEADER_WORDS + this.size;
    this.#words = new Int32Array(memory, 0, wordCount);
    this.#bytes = new Uint8Array(memory, wordCount * 4);
  }

  /** Blocks out of the pool; for specs and the observer. */
  inUse(): number {
    return Atomics.load(this.#words, IN_USE);
  }

  /** Blocks out of the pool at once, at most so far. */
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
      else this.#words[POOL_HEADER_WORDS + last - 1] = this.#name | block;
      last = block;
    }
    return first;
  }

  /**
   * Makes the calling thread the holder of a chain, before the record that names the chain drops it: from then on this thread
   * has to return it.
   */
  take(first: number): void {
    for (let block = first; block !== 0; block = this.#next(block)) {
      Atomics.store(this.#words, POOL_HEADER_WORDS + block - 1, this.#name | this.#next(block));
    }
  }

  /** Copies the `length` bytes of a chain to `target` and returns its blocks to the pool. */
  restore(first: number, target: Uint8Array, length: number): void {
    let block = first;
    for (let done = 0; done < length; done += BLOCK_BYTES) {
      const part = Math.min(BLOCK_BYTES, length - done);
      const at = (block - 1) * BLOCK_BYTES;
      target.set(this.#bytes.subarray(at, at + part), done);
      block = this.#next(block);
    }
    this.free(first);
  }

  /** Returns a chain to the pool. */
  free(first: number): void {
    for (let block = first; block !== 0; ) {
      const next = this.#next(block);
      this.#give(block);
      block = next;
    }
  }

  /**
   * Returns the blocks that a dead thread held.
   *
   * A thread that restores a chain puts its own name on it before it removes it from the record. So a block with the dead
   * thread's name was held by it only if no record leads to the block, and the block still has that name after the records were
   * read.
   *
   * @param held the first blocks of all chains that records name, 0 for none
   * @returns how many there were
   */
  reclaim(dead: number, held: Iterable<number>): number {
    const name = nameOf(dead);
    const isNamed = (block: number) => (this.#word(block) & ~NUMBER_MASK) === name;
    const suspects = new Set<number>();
    for (let block = 1; block <= Math.min(Atomics.load(this.#words, FRESH), this.size); block++) {
      if (isNamed(block)) suspects.add(block);
    }
    if (suspects.size === 0) return 0;
    for (const first of held) {
      // A chain that changes meanwhile may lead anywhere; the bound holds because no chain is longer than the pool.
      for (
        let block = first, steps = 0;
        block !== 0 && steps < this.size;
        block = this.#next(block), steps++
      ) {
        suspects.delete(block);
      }
    }
    const lost = [...suspects].filter(isNamed);
    for (const block of lost) this.#give(block);
    return lost.length;
  }

  #word(block: number): number {
    return Atomics.load(this.#words, POOL_HEADER_WORDS + block - 1);
  }

  #next(block: number): number {
    return this.#word(block) & NUMBER_MASK;
  }

  #take(): number {
    const words = this.#words;
    for (;;) {
      const top = Atomics.load(words, FREE_TOP);
      const block = top & NUMBER_MASK;
      if (block === 0) break;
      const next = Atomics.load(words, POOL_HEADER_WORDS + block - 1) & NUMBER_MASK;
      const replaced = (((top & ~NUMBER_MASK) + TAG_STEP) | next) >> 0;
      if (Atomics.compareExchange(words, FREE_TOP, top, replaced) !== top) continue;
      Atomics.store(words, POOL_HEADER_WORDS + block - 1, this.#name);
      this.#count(Atomics.add(words, IN_USE, 1) + 1);
      return block;
    }
    if (Atomics.load(words, FRESH) >= this.size) return 0;
    const fresh = Atomics.add(words, FRESH, 1);
    if (fresh < this.size) {
      Atomics.store(words, POOL_HEADER_WORDS + fresh, this.#name);
      this.#count(Atomics.add(words, IN_USE, 1) + 1);
      return fresh + 1;
    }
    Atomics.sub(words, FRESH, 1);
    return 0;
  }

  #count(inUse: number): void {
    const words = this.#words;
    for (let peak = Atomics.load(words, PEAK); inUse > peak; ) {
      const found = Atomics.compareExchange(words, PEAK, peak, inUse);
      if (found === peak) break;
      peak = found;
    }
  }

  #give(block: number): void {
    const words = this.#words;
    const named = Atomics.load(words, POOL_HEADER_WORDS + block - 1);
    for (;;) {
      const top = Atomics.load(words, FREE_TOP);
      const replaced = (((top & ~NUMBER_MASK) + TAG_STEP) | block) >> 0;
      Atomics.store(words, POOL_HEADER_WORDS + block - 1, top & NUMBER_MASK);
      if (Atomics.compareExchange(words, FREE_TOP, top, replaced) === top) {
        Atomics.sub(words, IN_USE, 1);
        return;
      }
      // Named again before the next round, at the beginning of which the thread may be ended.
      Atomics.store(words, POOL_HEADER_WORDS + block - 1, named);
    }
  }
}

const nameOf = (thread: number): number => (thread + 1) << HOLDER_SHIFT;
