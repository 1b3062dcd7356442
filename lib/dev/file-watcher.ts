/**
 * Watches files for changes. The folders of the files are watched, not the files, because editors often save by renaming a new file.
 *
 *   an event of the folder ──the file has another version──▶ changed ──SETTLE_MS without another event──▶ reported
 *
 * Several files that are saved at once are one change; so is one that is emptied and then written. Whatever the kernel tells nobody of
 * (network file systems, folders that are replaced, a process without free inotify instances) is found by a look once a second.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileVersion, isEmptyVersion, NO_FILE } from '../thread/file-version.js';
import type { LoadedFile } from '../thread/loaded-files.js';

/** Editors write a file in several steps, within a few milliseconds. */
const SETTLE_MS = 20;
/** A file that is empty or missing is taken for half saved, for this long. */
const HALF_SAVED_MS = 250;
const LOOK_MS = 1000;

interface Folder {
  readonly path: string;
  readonly inode: bigint;
  readonly watcher: FSWatcher | null;
}

export class FileWatcher {
  readonly #report: (files: readonly string[]) => void;
  /** Versions, by path. */
  readonly #files = new Map<string, string>();
  readonly #folders = new Map<string, Folder>();
  readonly #changed = new Set<string>();
  #firstChange = 0;
  #settling: NodeJS.Timeout | undefined;
  readonly #looking: NodeJS.Timeout;

  /** @param report is given the paths of files that have changed */
  constructor(report: (files: readonly string[]) => void) {
    this.#report = report;
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  /** @param version the one that is in use */
  add([path, version]: LoadedFile): void {
    this.#files.set(path, version);
    this.#watchFolder(dirname(path));
    // It may have been saved since, before its folder was watched.
    this.#check(path);
  }

  /** Watches these files alone. */
  retain(paths: ReadonlySet<string>): void {
    for (const path of this.#files.keys()) {
      if (paths.has(path)) continue;
      this.#files.delete(path);
      this.#changed.delete(path);
    }
    const folders = new Set([...this.#files.keys()].map(dirname));
    for (const { path, watcher } of this.#folders.values()) {
      if (folders.has(path)) continue;
      watcher?.close();
      this.#folders.delete(path);
    }
  }

  close(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#settling);
    this.retain(new Set());
  }

  #watchFolder(path: string): void {
    const known = this.#folders.get(path);
    const inode = inodeOf(path);
    if (known !== undefined && known.inode === inode) return;
    known?.watcher?.close();
    this.#folders.set(path, { path, inode, watcher: inode === 0n ? null : this.#watcherOf(path) });
  }

  /** Null where the system allows no more of them. */
  #watcherOf(folder: string): FSWatcher | null {
    try {
      const watcher = watch(folder, (_event, name) => this.#folderChanged(folder, name));
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return null;
    }
  }

  /** @param name of the file in it; null where the kernel has lost events */
  #folderChanged(folder: string, name: string | null): void {
    if (name === null) this.#look();
    else this.#check(join(folder, name));
  }

  #look(): void {
    for (const path of this.#folders.keys()) this.#watchFolder(path);
    for (const path of this.#files.keys()) this.#check(path);
  }

  #check(path: string): void {
    const known = this.#files.get(path);
    if (known === undefined) return;
    // Also one that is known to have changed may be written on.
    const now = fileVersion(path);
    if (now === known) return;
    if (this.#changed.size === 0) this.#firstChange = performance.now();
    this.#files.set(path, now);
    this.#changed.add(path);
    this.#settleSoon();
  }

  #settleSoon(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #settle(): void {
    const changed = [...this.#changed];
    if (changed.length === 0) return;
    const isHalfSaved = changed.some((path) => {
      const version = this.#files.get(path) ?? NO_FILE;
      return version === NO_FILE || isEmptyVersion(version);
    });
    if (isHalfSaved && performance.now() - this.#firstChange < HALF_SAVED_MS) {
      for (const path of changed) this.#check(path);
      this.#settleSoon();
      return;
    }
    this.#changed.clear();
    this.#report(changed);
  }
}

/** 0 where there is no such folder. */
function inodeOf(path: string): bigint {
  try {
    return statSync(path, { bigint: true }).ino;
  } catch {
    return 0n;
  }
}
