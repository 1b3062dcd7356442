/**
 * A Unix socket that several groups share: each has a duplicate of its descriptor. Its path stays until the last group has closed it.
 *
 * A file often removes the path that an earlier run has left, before it listens there, and each thread runs the file. A bound socket cannot be
 * bound again (bind(2)), and a new one would be one group's only. So the socket has a second name beside its path, a hard link, from
 * which the path is made again.
 */
import { linkSync, lstatSync } from 'node:fs';
import { PacelineError } from '../errors.js';
import { closeDescriptor, duplicateDescriptor } from '../sys/descriptor.js';
import { EINVAL } from '../sys/libc.js';
import { type Listener, unlinkQuietly } from './listener.js';

/** Of the second name, after that of the path. */
const SUFFIX = '.paceline';

export class SharedPath {
  readonly #socket: Listener;
  readonly #path: string;
  /** The path was removed before it had a second name: by a thread, which did so at the same time. */
  isLost = false;

  /** @param socket is this object's from then on */
  constructor(socket: Listener, path: string) {
    this.#socket = socket;
    this.#path = path;
    this.#link();
  }

  /** Where the file system has no links to sockets, only `restore` fails. */
  #link(): void {
    const name = this.#path + SUFFIX;
    try {
      // Left by a server that was killed.
      if (lstatSync(name, { throwIfNoEntry: false })?.isSocket()) unlinkQuietly(name);
      linkSync(this.#path, name);
    } catch (error) {
      this.isLost = (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
  }

  /** A descriptor for one more group. */
  duplicate(): Listener {
    const fd = duplicateDescriptor(this.#socket.fd);
    return {
      fd,
      address: this.#socket.address,
      path: this.#path,
      restore: () => this.restore(),
      close: () => closeDescriptor(fd),
    };
  }

  /**
   * Makes the path again, where it has been removed.
   *
   * @throws PacelineError `PACELINE_ADDRESS`
   */
  restore(): void {
    try {
      linkSync(this.#path + SUFFIX, this.#path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return;
      throw new PacelineError(
        'PACELINE_ADDRESS',
        `the app has removed the path ${this.#path}, at which several groups listen, and it cannot be made again; do not remove it, or use --groups 1`,
        { cause, errno: EINVAL },
      );
    }
  }

  /** The last group has closed its descriptor. */
  close(): void {
    unlinkQuietly(this.#path + SUFFIX);
    this.#socket.close();
  }
}
