/**
 * A response body that is part of an open file. The connection sends it with sendfile(2), so its bytes enter JavaScript
 * only when user code reads them.
 *
 *   OpenFile ◀── FileBody ── close(): sent, client gone, HEAD, stream read or cancelled
 *       ▲  ◀── FileBody ── …
 *       └───── the opener, until release()
 *
 * The last owner closes the descriptor. A body that is never closed (of a response that middleware dropped) is found by the
 * garbage collector together with its OpenFile, and the registry closes the descriptor.
 */
import { read } from 'node:fs';
import { closeFile } from '../sys/file.js';

/** At most this many bytes are read at once for a stream. */
const READ_BYTES = 64 * 1024;

const forgotten = new FinalizationRegistry<number>(closeFile);

/** A descriptor from `openFile`, with a count of owners. Its creator is the first one. */
export class OpenFile {
  readonly fd: number;
  #owners = 1;

  constructor(fd: number) {
    this.fd = fd;
    forgotten.register(this, fd, this);
  }

  /** Adds an owner. */
  retain(): void {
    if (this.#owners === 0) throw new Error('retain() of a file that is closed');
    this.#owners++;
  }

  /** Removes an owner; the last one closes the descriptor. */
  release(): void {
    if (this.#owners === 0) throw new Error('release() of a file that is closed');
    if (--this.#owners > 0) return;
    forgotten.unregister(this);
    closeFile(this.fd);
  }
}

/** The bytes [start, end) of a file. */
export class FileBody {
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
  #file: OpenFile | null;

  /** Adds itself as an owner of `file`. */
  constructor(file: OpenFile, start: number, end: number) {
    file.retain();
    this.#file = file;
    this.start = start;
    this.end = end;
  }

  /** The descriptor to send from; -1 once the body is closed. */
  get fd(): number {
    return this.#file === null ? -1 : this.#file.fd;
  }

  get closed(): boolean {
    return this.#file === null;
  }

  /** Releases the file: the body is sent, or will not be. Idempotent. */
  close(): void {
    const file = this.#file;
    this.#file = null;
    file?.release();
  }

  /** Another body of the same bytes, to be closed separately. @throws Error once this one is closed */
  share(): FileBody {
    if (this.#file === null) throw new Error('share() of a body that is closed');
    return new FileBody(this.#file, this.start, this.end);
  }

  /**
   * The bytes as a stream, for user code. It reads the file on demand and closes the body at its end or when it is
   * cancelled; until it is read from, the body can still be sent as a file.
   */
  stream(): ReadableStream<Uint8Array> {
    let at = this.start;
    return new ReadableStream({
      type: 'bytes',
      pull: async (controller) => {
        try {
          const chunk = await this.#read(at);
          // Cancelled meanwhile: the chunk is dropped.
          if (chunk === null) return;
          at += chunk.byteLength;
          if (chunk.byteLength > 0) controller.enqueue(chunk);
          if (at < this.end) return;
          this.close();
          controller.close();
          // Returns the buffer of a BYOB reader (Streams, ReadableByteStreamController.close).
          controller.byobRequest?.respond(0);
        } catch (error) {
          this.close();
          controller.error(error);
        }
      },
      cancel: () => this.close(),
    }) as ReadableStream<Uint8Array>;
  }

  /** The bytes from `at`, as many as one read returns; null when the body was closed before they arrived. */
  async #read(at: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const file = this.#file;
    if (file === null) throw new Error('the file was closed before it was read');
    const want = Math.min(READ_BYTES, this.end - at);
    if (want === 0) return new Uint8Array(0);
    // One more owner while libuv's thread uses the descriptor: the body may be closed meanwhile.
    file.retain();
    try {
      const bytes = new Uint8Array(want);
      const count = await readAt(file.fd, bytes, at);
      if (this.#file === null) return null;
      if (count === 0)
        throw new RangeError(`the file became shorter than ${this.end} bytes while it was read`);
      return count === want ? bytes : bytes.slice(0, count);
    } finally {
      file.release();
    }
  }
}

function readAt(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, bytes, 0, bytes.byteLength, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}
