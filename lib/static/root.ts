/**
 * The directory that files are served from, and opening files below it and nowhere else.
 *
 * A file is opened first and checked afterwards: the kernel says what the descriptor really is and where it lies. So there
 * is no race in which a link replaces a path between the check and the opening.
 */
import { existsSync, fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { closeFile, openFile, pathOfFile } from '../sys/file.js';
import { EACCES, EMFILE, ENFILE, systemError } from '../sys/libc.js';
import { OpenFile } from '../web/file-body.js';

const { ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO, ENODEV, EPERM } = constants.errno;

/** Results of `Root.open` other than a file: status codes. */
export const DIRECTORY = 301;
export const FORBIDDEN = 403;
export const NOT_FOUND = 404;

/** A regular file that was opened. */
export interface Found {
  /** Owned by the caller. */
  readonly file: OpenFile;
  readonly size: number;
  /** Modification time, in milliseconds since 1970, with fractions. */
  readonly mtimeMs: number;
}

export class Root {
  /** Without symbolic links and trailing slash, so '' for the file system's root. */
  readonly #path: string;
  readonly #followSymlinks: boolean;
  readonly #dotfiles: boolean;

  /**
   * @param path of the directory; symbolic links in it are resolved once, now
   * @throws PacelineError `PACELINE_SYSTEM` when it cannot be opened or is no directory
   */
  constructor(path: string, followSymlinks: boolean, dotfiles: boolean) {
    const fd = openFile(path, true);
    if (fd < 0) throw systemError('open', -fd, path);
    const isDirectory = fstatSync(fd).isDirectory();
    // As the kernel writes it, because the paths of files are compared with it.
    const real = pathOfFile(fd);
    closeFile(fd);
    if (!isDirectory) throw systemError('open', ENOTDIR, path);
    if (real === '') throw systemError('readlink', ENOENT, '/proc/self/fd; mount /proc');
    this.#path = real === '/' ? '' : real;
    this.#followSymlinks = followSymlinks;
    this.#dotfiles = dotfiles;
  }

  /**
   * Opens a file. Never blocks, not even for a FIFO's other end.
   *
   * @param path below the root as `targetPath` gives it, beginning with a slash
   * @returns the file, DIRECTORY, FORBIDDEN, or NOT_FOUND, which includes links that may not be followed and special files
   * @throws PacelineError `PACELINE_SYSTEM` for failures of the system: no descriptors left, an I/O error
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

  /** Whether the path may exist: checking is cheaper than failing to open it. */
  has(path: string): boolean {
    return existsSync(this.#path + path);
  }

  /** Whether an opened file may be served. @param real its path according to the kernel; '' when unknown */
  #isInside(real: string, wanted: string): boolean {
    // Without links the real path is the requested one.
    if (real === wanted) return true;
    if (!this.#followSymlinks || !real.startsWith(`${this.#path}/`)) return false;
    // A link must not make a file public whose own name hides it.
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
    // A link where links are not followed, or a loop of links.
    case ELOOP:
    // A socket, or a device that does not exist.
    case ENXIO:
    case ENODEV:
      return NOT_FOUND;
    default:
      throw systemError('open', errno, path);
  }
}

/** Whether an error means that descriptors have run out, so that closing some helps. */
export const isOutOfDescriptors = (error: unknown): boolean => {
  const { errno } = error as { errno?: number };
  return errno === EMFILE || errno === ENFILE;
};
