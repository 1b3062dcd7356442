/**
 * The files that a thread has open: finding, opening and checking a file costs six times as much as checking one that is
 * open. An entry expires after a bounded time, in which its path is not resolved again. A timer removes expired entries, so
 * that the blocks of a deleted file are freed and a thread without requests has no file open.
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
  /** In the order of their expiry. */
  readonly #entries = new Map<string, Entry>();
  readonly #ttlMs: number;
  #sweeper: NodeJS.Timeout | null = null;

  /** @param ttlMs how long an entry is valid */
  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  /** The file cached for a path, unless its entry has expired. */
  get(path: string, nowMs: number): CachedFile | undefined {
    const entry = this.#entries.get(path);
    return entry !== undefined && nowMs < entry.untilMs ? entry.file : undefined;
  }

  /** Adds a file, which the cache owns from then on; a full cache evicts the entry that expires first. */
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
    // Cached files must not keep the process running.
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

/** Releases the forms of a file that the caller owns. */
export function release({ plain, siblings }: CachedFile): void {
  plain.release();
  for (const sibling of siblings.values()) sibling.release();
}
