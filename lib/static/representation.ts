/** One form of a file (a representation, RFC 9110, 3.2): its validators, and the header lines of responses with it. */
import { fstatSync } from 'node:fs';
import mime from 'mime';
import { FileBody, type OpenFile } from '../web/file-body.js';
import type { Coding } from './accept-encoding.js';
import type { Found } from './root.js';

/**
 * A file that was written this recently may be written again without a change of its modification time, as file systems
 * have a resolution of up to 2 s (FAT). Until then its validators are weak (RFC 9110, 8.8.1 and 8.8.2.2).
 */
const SETTLED_MS = 2000;

const OCTETS = 'application/octet-stream';

/** One form of a file: the file itself, or a compressed sibling. */
export class Representation {
  readonly size: number;
  /** Last-Modified, in seconds since 1970. */
  readonly modifiedS: number;
  readonly lastModified: string;
  /** The entity tag without the weakness mark: `"…"`. */
  readonly tag: string;
  /** Whether the validators are strong (RFC 9110, 8.8.1): they differ whenever the content does. */
  readonly strong: boolean;
  /** The lines of every response about it, 304 included: ETag, Cache-Control and Vary (RFC 9110, 15.4.5). */
  readonly lines: string;
  /** The lines of a response with its bytes. */
  readonly bodyLines: string;
  readonly #file: OpenFile;
  readonly #mtimeMs: number;

  /**
   * Becomes the owner of `found`.
   *
   * @param type media type of the content without its coding
   * @param sharedLines lines that all forms of the file have: Cache-Control, Vary
   * @param nowMs when the file was checked, in milliseconds since 1970
   */
  constructor(found: Found, coding: Coding | null, type: string, sharedLines: string, nowMs: number) {
    const { file, size, mtimeMs } = found;
    this.#file = file;
    this.#mtimeMs = mtimeMs;
    this.size = size;
    // A time in the future must not be sent (RFC 9110, 8.8.2.1); times before 1970 are sent as 1970.
    this.modifiedS = Math.floor(Math.min(Math.max(mtimeMs, 0), nowMs) / 1000);
    this.lastModified = new Date(this.modifiedS * 1000).toUTCString();
    const suffix = coding === null ? '' : `-${coding}`;
    this.tag = `"${Math.round(mtimeMs * 1000).toString(36)}-${size.toString(36)}${suffix}"`;
    this.strong = nowMs - mtimeMs >= SETTLED_MS;
    this.lines = `etag: ${this.strong ? '' : 'W/'}${this.tag}\r\n${sharedLines}`;
    const codingLine = coding === null ? '' : `content-encoding: ${coding}\r\n`;
    this.bodyLines =
      `content-type: ${type}\r\nx-content-type-options: nosniff\r\n${codingLine}` +
      `accept-ranges: bytes\r\nlast-modified: ${this.lastModified}\r\n${this.lines}`;
  }

  /** Whether the open file is unchanged: it still has the size and modification time in its validators. */
  isCurrent(): boolean {
    const { size, mtimeMs } = fstatSync(this.#file.fd);
    return size === this.size && mtimeMs === this.#mtimeMs;
  }

  /** The bytes [start, end). */
  body(start: number, end: number): FileBody {
    return new FileBody(this.#file, start, end);
  }

  release(): void {
    this.#file.release();
  }
}

/** The media type for a file's name. Text is assumed to be UTF-8, as nearly all text is today. */
export function contentType(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  // A name without a dot has no extension, but the library would take the whole name for one.
  const type = dot <= 0 ? OCTETS : (mime.getType(name.slice(dot + 1)) ?? OCTETS);
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}
