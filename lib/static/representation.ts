/** What is said of a file: its validators, and the header lines that go with it. */
import { fstatSync } from 'node:fs';
import mime from 'mime';
import { FileBody, type OpenFile } from '../web/file-body.js';
import type { Coding } from './accept-encoding.js';
import type { Found } from './root.js';

/**
 * A file that was written this recently may be written again without its time changing, as file systems count in steps
 * of up to 2 s (FAT). Until then its validators are weak (RFC 9110, 8.8.1 and 8.8.2.2).
 */
const SETTLED_MS = 2000;

const OCTETS = 'application/octet-stream';

/** One form of a file: the file itself, or a compressed sibling. */
export class Representation {
  readonly size: number;
  /** Seconds since 1970 of Last-Modified. */
  readonly modifiedS: number;
  readonly lastModified: string;
  /** Without the mark of weakness: `"…"`. */
  readonly tag: string;
  /** Whether the validators tell every two contents apart. */
  readonly strong: boolean;
  /** The lines that every answer about it has: its ETag, Cache-Control and Vary (RFC 9110, 15.4.5). */
  readonly lines: string;
  /** The lines of an answer that carries its bytes. */
  readonly bodyLines: string;
  readonly #file: OpenFile;
  readonly #mtimeMs: number;

  /**
   * Becomes the owner of `found`.
   *
   * @param type of the content, whatever its coding
   * @param sharedLines what the other forms of the file say, too: Cache-Control, Vary
   * @param nowMs when the file was looked at
   */
  constructor(found: Found, coding: Coding | null, type: string, sharedLines: string, nowMs: number) {
    const { file, size, mtimeMs } = found;
    this.#file = file;
    this.#mtimeMs = mtimeMs;
    this.size = size;
    // A time that has not come yet must not be sent (RFC 9110, 8.8.2.1), nor can one before 1970 be.
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

  /** Whether nobody has written to the open file since: its size and time are what is said of it. */
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

/** The media type for a file's name. Text is taken to be UTF-8, the one encoding that every other is converted to today. */
export function contentType(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  // A name without a dot is no extension, though the library would take it for one.
  const type = dot <= 0 ? OCTETS : (mime.getType(name.slice(dot + 1)) ?? OCTETS);
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}
