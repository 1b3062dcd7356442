/**
 * The files that a thread has open: finding, opening and checking one costs six times as much as looking at one that is
 * open. A file stays in the cache for a bounded time, in which its path is not looked at again, and no longer, so that a
 * deleted file's blocks are freed and a thread without requests holds nothing.
 */
import type { Coding } from './accept-encoding.js';
import type { Representation } from './representation.js';

/** The forms of one file. */
export interface CachedFile {
  readonly plain: Representation;
  readonly siblings: ReadonlyMap<Coding, Representation>;
}

interface Entry {
  readonly file: CachedFile;
  readonly untilMs: number;
}

/** Files, each with up to three descriptors. Enough for the hot files of a site; 128 threads may fill a cache each. */
export const MAX_OPEN_FILES = 128;

export class OpenFileCache {
  /** In the order in which they expire. */
  readonly #entries = new Map<string, Entry>();
  readonly #ttlMs: number;
  #sweeper: NodeJS.Timeout | null = null;

  /** @param ttlMs how long a file stays */
  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  /** What lies there under a path, unless its time is over. */
  get(path: string, nowMs: number): CachedFile | undefined {
    const entry = this.#entries.get(path);
    return entry !== undefined && nowMs < entry.untilMs ? entry.file : undefined;
  }

  put(path: string, file: CachedFile, nowMs: number): void {
    this.drop(path);
    if (this.#entries.size >= MAX_OPEN_FILES) this.drop(this.#entries.keys().next().value!);
    this.#entries.set(path, { file, untilMs: nowMs + this.#ttlMs });
    if (this.#sweeper === null) this.#sweepLater();
  }

  drop(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    release(entry.file);
  }

  clear(): void {
    for (const { file } of this.#entries.values()) release(file);
    this.#entries.clear();
  }

  #sweepLater(): void {
    this.#sweeper = setTimeout(() => this.#sweep(), this.#ttlMs);
    // Files in a cache are no reason for a process to live.
    this.#sweeper.unref();
  }

  #sweep(): void {
    this.#sweeper = null;
    const nowMs = performance.now();
    for (const [path, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) break;
      this.drop(path);
    }
    if (this.#entries.size > 0) this.#sweepLater();
  }
}

/** Gives up the forms of a file that the caller owns. */
export function release({ plain, siblings }: CachedFile): void {
  plain.release();
  for (const sibling of siblings.values()) sibling.release();
}
