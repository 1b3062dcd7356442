/// <reference types="node" preserve="true" />
/**
 * Static files: the entry `paceline/static`.
 *
 *   request ─▶ path below the root ─▶ open files, or open and check ─▶ the form to send ─▶ conditions ─▶ range ─▶ response
 *              target-path            open files, root                 accept-encoding     preconditions  byte-range
 *
 * Everything is synchronous: other threads take the requests that arrive meanwhile. A response has a FileBody, which the
 * connection sends with sendfile(2).
 */
import { STATUS_CODES } from 'node:http';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionError, refuseUnknownNames, show, wholeNumber } from '../options/validate.js';
import { responseOf } from '../web/light-response.js';
import { acceptedCodings, CODINGS, type Coding } from './accept-encoding.js';
import { parseRange, UNSATISFIABLE } from './byte-range.js';
import { type CachedFile, OpenFileCache, release } from './open-file-cache.js';
import { evaluate, NOT_MODIFIED, PRECONDITION_FAILED, rangeApplies } from './preconditions.js';
import { contentType, Representation } from './representation.js';
import { type RequestFields, requestFields } from './request-fields.js';
import { DIRECTORY, type Found, isOutOfDescriptors, NOT_FOUND, Root } from './root.js';
import { pathOfUrl, queryOfUrl, targetPath } from './target-path.js';

/** The options of {@link serveFiles}. All are optional. */
export interface StaticOptions {
  /**
   * The part of a URL's path that stands for the root, for example `/assets`: `''`, or a path that begins with a slash and
   * does not end with one. Paths outside it are not found. Default: `''`.
   */
  prefix?: string;
  /**
   * Whether files and directories are served whose names begin with a dot. Those in `/.well-known/` (RFC 8615) always are.
   * Default: false, because such files are usually there by accident (`.env`, `.git`).
   */
  dotfiles?: boolean;
  /**
   * Whether symbolic links below the root are followed. Even then their target must be below the root, at a path that would
   * be served itself. Default: false.
   */
  followSymlinks?: boolean;
  /**
   * Whether `app.js.br` or `app.js.gz` is sent instead of `app.js` to clients that accept it (RFC 9110, 12.5.3). Their
   * contents are not compared: generate them again whenever the file changes. Default: true.
   */
  precompressed?: boolean;
  /**
   * For how long a client may use its copy without asking, in seconds, from 0 to 31536000, a year: the `max-age` of
   * Cache-Control (RFC 9111, 5.2.2.1). Default: the client asks each time (`no-cache`), and gets 304 while nothing has
   * changed.
   */
  maxAge?: number;
  /**
   * Whether a file never changes, so that not even reloading a page asks for it (RFC 8246). Needs `maxAge`. Default: false.
   */
  immutable?: boolean;
  /**
   * For how long a thread may use an open file without resolving its path again, in milliseconds, from 0 to 60000. In that
   * time a file that was replaced or deleted is served as it was; one that was written to is noticed at once. 0 opens the
   * file for each request. Default: 1000.
   */
  recheckMs?: number;
  /**
   * Responds to GET and HEAD requests for what is not found, for example with the page of a single-page app. It gets the
   * request. Default: a plain 404.
   */
  notFound?: (request: Request) => Response | Promise<Response>;
}

const OPTION_NAMES = [
  'prefix',
  'dotfiles',
  'followSymlinks',
  'precompressed',
  'maxAge',
  'immutable',
  'recheckMs',
  'notFound',
] as const satisfies readonly (keyof StaticOptions)[];

const INDEX = 'index.html';
/** A year: servers should not promise more (RFC 2616, 14.21), and caches do not honour more. */
const MAX_MAX_AGE_S = 31_536_000;
const DEFAULT_RECHECK_MS = 1000;
const MAX_RECHECK_MS = 60_000;

const ALLOW = 'allow: GET, HEAD, OPTIONS\r\n';
const TEXT = 'content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n';
const VARY = 'vary: accept-encoding\r\n';

/**
 * Makes a handler that serves the files of a directory.
 *
 * GET and HEAD are answered with a file, its validators, conditions and single ranges (RFC 9110, 13 and 14), a directory with
 * its `index.html`, or with a redirect (301) to its path with a slash. A file that does not exist, is hidden, special or a
 * symbolic link gives 404, one that this user may not read 403, a path that no file can have 400, OPTIONS 204, and any other
 * method 405.
 *
 * ```ts
 * const files = serveFiles('./dist', { prefix: '/assets', maxAge: 31_536_000, immutable: true });
 * export default { fetch: (request: Request) => files(request) };
 * ```
 *
 * @param root the directory: a path, relative to the working directory, or a `file:` URL. Symbolic links in it are resolved
 * once, now
 * @param options see {@link StaticOptions}
 * @returns the handler. It throws a PacelineError `PACELINE_SYSTEM` when the system fails to open or read a file (no
 * descriptors left, an I/O error), and whatever `notFound` throws
 * @throws PacelineError `PACELINE_OPTION` for a root that is not a readable directory, and for unknown or invalid options
 */
export function serveFiles(
  root: string | URL,
  options: StaticOptions = {},
): (request: Request) => Response | Promise<Response> {
  const server = new FileServer(root, options);
  return (request) => server.answer(request);
}

class FileServer {
  readonly #root: Root;
  readonly #openFiles: OpenFileCache;
  readonly #prefix: string;
  readonly #dotfiles: boolean;
  readonly #precompressed: boolean;
  readonly #caches: boolean;
  readonly #cacheLine: string;
  readonly #notFound: StaticOptions['notFound'];

  constructor(root: string | URL, options: StaticOptions) {
    if (typeof options !== 'object' || options === null) {
      throw optionError(`the options must be an object, not ${show(options)}`);
    }
    refuseUnknownNames(Object.keys(options), OPTION_NAMES, 'option of serveFiles');
    const { prefix = '', recheckMs = DEFAULT_RECHECK_MS, notFound } = options;
    if (typeof prefix !== 'string' || !/^(?:\/[^/?#]+)*$/.test(prefix)) {
      throw optionError(
        `prefix must be '' or a path that begins and does not end with a slash, not ${show(prefix)}`,
      );
    }
    if (notFound !== undefined && typeof notFound !== 'function') {
      throw optionError(`notFound must be a function, not ${show(notFound)}`);
    }
    this.#prefix = prefix;
    this.#dotfiles = flag(options.dotfiles, 'dotfiles', false);
    this.#precompressed = flag(options.precompressed, 'precompressed', true);
    this.#cacheLine = cacheLine(options);
    this.#notFound = notFound;
    this.#caches = wholeNumber(recheckMs, 'recheckMs', 0, MAX_RECHECK_MS) > 0;
    this.#openFiles = new OpenFileCache(recheckMs);
    this.#root = openRoot(root, flag(options.followSymlinks, 'followSymlinks', false), this.#dotfiles);
  }

  answer(request: Request): Response | Promise<Response> {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      return method === 'OPTIONS' ? responseOf(204, ALLOW, null) : failure(405, ALLOW);
    }
    const path = pathOfUrl(request.url);
    const fields = requestFields(request);
    const cached = this.#openFiles.get(path, performance.now());
    if (cached !== undefined) {
      const representation = choose(cached, fields);
      // Fast path: the file is open and unchanged.
      if (representation.isCurrent()) return respond(method, fields, representation);
      this.#openFiles.drop(path);
    }
    const found = this.#find(path);
    if (typeof found === 'number') return this.#other(request, path, found);
    if (this.#caches) this.#openFiles.put(path, found, performance.now());
    const response = respond(method, fields, choose(found, fields));
    // The response's body is an owner itself.
    if (!this.#caches) release(found);
    return response;
  }

  /** The response when there is no file to send. */
  #other(request: Request, path: string, status: number): Response | Promise<Response> {
    if (status === NOT_FOUND && this.#notFound !== undefined) return this.#notFound(request);
    if (status !== DIRECTORY) return failure(status);
    return responseOf(status, `location: ${path}/${queryOfUrl(request.url)}\r\n`, null);
  }

  /** @returns the file, which the caller owns, or a status; DIRECTORY when a directory's path lacks its slash */
  #find(path: string): CachedFile | number {
    const { length } = this.#prefix;
    if (length > 0 && !(path.startsWith(this.#prefix) && path[length] === '/')) return NOT_FOUND;
    const target = targetPath(length === 0 ? path : path.slice(length), this.#dotfiles);
    if (typeof target === 'number') return target;
    const wanted = target.endsWith('/') ? target + INDEX : target;
    const found = this.#open(wanted);
    if (found === DIRECTORY) return wanted === target ? this.#directory(target) : NOT_FOUND;
    return typeof found === 'number' ? found : this.#describe(found, wanted);
  }

  /** DIRECTORY, for a redirect to its path with a slash, if it has an index; else its existence is not revealed. */
  #directory(target: string): typeof DIRECTORY | typeof NOT_FOUND {
    const index = this.#open(`${target}/${INDEX}`);
    if (typeof index === 'number') return NOT_FOUND;
    index.file.release();
    return DIRECTORY;
  }

  #describe(found: Found, path: string): CachedFile {
    const siblings = new Map<Coding, Found>();
    for (const { name, extension } of this.#precompressed ? CODINGS : []) {
      const sibling = this.#root.has(path + extension) ? this.#open(path + extension) : NOT_FOUND;
      if (typeof sibling !== 'number') siblings.set(name, sibling);
    }
    const nowMs = Date.now();
    const type = contentType(path);
    // The plain file needs Vary as well: other clients get another form (RFC 9110, 12.5.5).
    const shared = siblings.size === 0 ? this.#cacheLine : this.#cacheLine + VARY;
    return {
      plain: new Representation(found, null, type, shared, nowMs),
      siblings: new Map(
        [...siblings].map(([coding, file]) => [
          coding,
          new Representation(file, coding, type, shared, nowMs),
        ]),
      ),
    };
  }

  #open(path: string): ReturnType<Root['open']> {
    try {
      return this.#root.open(path);
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error;
      this.#openFiles.clear();
      return this.#root.open(path);
    }
  }
}

function choose({ plain, siblings }: CachedFile, fields: Readonly<RequestFields>): Representation {
  if (siblings.size === 0) return plain;
  for (const coding of acceptedCodings(fields['accept-encoding'])) {
    const sibling = siblings.get(coding);
    if (sibling !== undefined) return sibling;
  }
  return plain;
}

function respond(
  method: 'GET' | 'HEAD',
  fields: Readonly<RequestFields>,
  representation: Representation,
): Response {
  const outcome = evaluate(fields, representation);
  if (outcome === NOT_MODIFIED) return responseOf(outcome, representation.lines, null);
  if (outcome === PRECONDITION_FAILED) return failure(outcome, representation.lines);
  const { size, bodyLines } = representation;
  // Range is defined for GET only (RFC 9110, 14.2).
  if (fields.range !== null && method === 'GET' && rangeApplies(fields['if-range'], representation)) {
    const range = parseRange(fields.range, size);
    if (range === UNSATISFIABLE) {
      return failure(UNSATISFIABLE, `content-range: bytes */${size}\r\n${representation.lines}`);
    }
    if (range !== null) {
      const { start, end } = range;
      const lines = `content-range: bytes ${start}-${end - 1}/${size}\r\n${bodyLines}`;
      return responseOf(206, lines, representation.body(start, end));
    }
  }
  return responseOf(200, bodyLines, representation.body(0, size));
}

function failure(status: number, lines = ''): Response {
  return responseOf(status, TEXT + lines, `${STATUS_CODES[status]}\n`);
}

function openRoot(root: unknown, followSymlinks: boolean, dotfiles: boolean): Root {
  if (!(root instanceof URL) && (typeof root !== 'string' || root === '')) {
    throw optionError(`the root must be the path or the file: URL of a directory, not ${show(root)}`);
  }
  try {
    const path = root instanceof URL ? fileURLToPath(root) : resolve(root);
    return new Root(path, followSymlinks, dotfiles);
  } catch (cause) {
    throw optionError(
      `the root ${show(String(root))} cannot be served: ${(cause as Error).message}; name a directory that this user may read`,
      { cause },
    );
  }
}

function cacheLine({ maxAge, immutable }: StaticOptions): string {
  const isImmutable = flag(immutable, 'immutable', false);
  if (maxAge === undefined) {
    if (isImmutable)
      throw optionError('immutable needs maxAge, for how long it counts; a year is usual: 31536000');
    return 'cache-control: no-cache\r\n';
  }
  const seconds = wholeNumber(maxAge, 'maxAge', 0, MAX_MAX_AGE_S);
  return `cache-control: max-age=${seconds}${isImmutable ? ', immutable' : ''}\r\n`;
}

function flag(value: unknown, name: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  throw optionError(`${name} must be true or false, not ${show(value)}`);
}
