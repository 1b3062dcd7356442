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

interface Place {
  readonly file: CachedFile;
  readonly untilMs: number;
}

/** Files, each with up to three descriptors. Enough for the hot files of a site; 128 threads may fill a cache each. */
export const MAX_OPEN_FILES = 128;

export class OpenFileCache {
  /** In the order in which they expire. */
  readonly #places = new Map<string, Place>();
  readonly #keepMs: number;
  #sweeper: NodeJS.Timeout | null = null;

  /** @param keepMs how long a file stays */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** What lies there under a path, unless its time is over. */
  get(path: string, nowMs: number): CachedFile | undefined {
    const place = this.#places.get(path);
    return place !== undefined && nowMs < place.untilMs ? place.file : undefined;
  }

  put(path: string, file: CachedFile, nowMs: number): void {
    this.drop(path);
    if (this.#places.size >= MAX_OPEN_FILES) this.drop(this.#places.keys().next().value!);
    this.#places.set(path, { file, untilMs: nowMs + this.#keepMs });
    if (this.#sweeper === null) this.#sweepLater();
  }

  drop(path: string): void {
    const place = this.#places.get(path);
    if (place === undefined) return;
    this.#places.delete(path);
    release(place.file);
  }

  clear(): void {
    for (const { file } of this.#places.values()) release(file);
    this.#places.clear();
  }

  #sweepLater(): void {
    this.#sweeper = setTimeout(() => this.#sweep(), this.#keepMs);
    // Files in a cache are no reason for a process to live.
    this.#sweeper.unref();
  }

  #sweep(): void {
    this.#sweeper = null;
    const nowMs = performance.now();
    for (const [path, { untilMs }] of this.#places) {
      if (untilMs > nowMs) break;
      this.drop(path);
    }
    if (this.#places.size > 0) this.#sweepLater();
  }
}

/** Gives up the forms of a file that the caller owns. */
export function release({ plain, siblings }: CachedFile): void {
  plain.release();
  for (const sibling of siblings.values()) sibling.release();
}
