/**
 * The folder that files are served from, and the way into it that has no way out.
 *
 * A file is opened first and looked at after: the kernel is asked what the descriptor really is and where it lies. So
 * nobody can put a link in a path's place between the check and the opening.
 */
import { existsSync, fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { closeFile, openFile, pathOfFile } from '../sys/file.js';
import { EACCES, EMFILE, ENFILE, systemError } from '../sys/libc.js';
import { OpenFile } from '../web/file-body.js';

const { ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO, ENODEV, EPERM } = constants.errno;

/** Results of `Root.open` that are no file. */
export const DIRECTORY = 301;
export const FORBIDDEN = 403;
export const NOT_FOUND = 404;

/** A regular file that was opened. */
export interface Found {
  /** The caller is its owner. */
  readonly file: OpenFile;
  readonly size: number;
  /** When it was last written, in milliseconds since 1970, with fractions. */
  readonly mtimeMs: number;
}

export class Root {
  /** Free of links and without a slash at the end, so '' for the file system's own root. */
  readonly #path: string;
  readonly #followSymlinks: boolean;
  readonly #dotfiles: boolean;

  /**
   * @param path of the folder; links in it are followed once, now
   * @throws PacelineError `PACELINE_SYSTEM` when it cannot be opened or is no directory
   */
  constructor(path: string, followSymlinks: boolean, dotfiles: boolean) {
    const fd = openFile(path, true);
    if (fd < 0) throw systemError('open', -fd, path);
    const isDirectory = fstatSync(fd).isDirectory();
    // In the kernel's own words, since those of files are compared with it.
    const real = pathOfFile(fd);
    closeFile(fd);
    if (!isDirectory) throw systemError('open', ENOTDIR, path);
    if (real === '') throw systemError('readlink', ENOENT, '/proc/self/fd; mount /proc');
    this.#path = real === '/' ? '' : real;
    this.#followSymlinks = followSymlinks;
    this.#dotfiles = dotfiles;
  }

  /**
   * Opens a file. Never waits: not for a FIFO's other end either.
   *
   * @param path below the root as `targetPath` gives it, beginning with a slash
   * @returns the file, DIRECTORY, FORBIDDEN, or NOT_FOUND, which stands for links that may not be followed and for
   * special files, too
   * @throws PacelineError `PACELINE_SYSTEM` when the machine is at fault: no descriptors left, a broken disk
   */
  open(path: string): Found | typeof DIRECTORY | typeof FORBIDDEN | typeof NOT_FOUND {
    const wanted = this.#path + path;
    const fd = openFile(wanted, this.#followSymlinks);
    if (fd < 0) return statusOf(-fd, wanted);
    let keep = false;
    try {
      if (!this.#isInside(pathOfFile(fd), wanted)) return NOT_FOUND;
      const stats = fstatSync(fd);
      if (stats.isDirectory()) return DIRECTORY;
      if (!stats.isFile()) return NOT_FOUND;
      keep = true;
      return { file: new OpenFile(fd), size: stats.size, mtimeMs: stats.mtimeMs };
    } finally {
      if (!keep) closeFile(fd);
    }
  }

  /** Whether something may be there: looking is cheaper than failing to open it. */
  has(path: string): boolean {
    return existsSync(this.#path + path);
  }

  /** Whether what was opened may be served. @param real where it lies; '' when nobody knows */
  #isInside(real: string, wanted: string): boolean {
    // Without a link on the way it lies exactly where it was looked for.
    if (real === wanted) return true;
    if (!this.#followSymlinks || !real.startsWith(`${this.#path}/`)) return false;
    // A link must not make a file public that its own name hides.
    return this.#dotfiles || !real.includes('/.', this.#path.length);
  }
}

function statusOf(errno: number, path: string): typeof FORBIDDEN | typeof NOT_FOUND {
  switch (errno) {
    case EACCES:
    case EPERM:
      return FORBIDDEN;
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    // A link where none is followed, or a circle of them.
    case ELOOP:
    // A socket, or a device that does not exist.
    case ENXIO:
    case ENODEV:
      return NOT_FOUND;
    default:
      throw systemError('open', errno, path);
  }
}

/** Whether an error says that descriptors have run out, so that closing some helps. */
export const isOutOfDescriptors = (error: unknown): boolean => {
  const { errno } = error as { errno?: number };
  return errno === EMFILE || errno === ENFILE;
};
