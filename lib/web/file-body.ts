/**
 * A response body that is a part of an open file. The connection sends it with sendfile(2), so its bytes never get into
 * JavaScript, unless somebody there asks for them.
 *
 *   OpenFile ◀── FileBody ── close(): sent, client gone, HEAD, stream read or cancelled
 *       ▲  ◀── FileBody ── …
 *       └───── whoever opened it, until release()
 *
 * The descriptor is closed when the last of them lets go. A body that is forgotten (a response that middleware threw
 * away) never does; then the collector finds the OpenFile, and the registry closes its descriptor.
 */
import { read } from 'node:fs';
import { closeFile } from '../sys/file.js';

/** Bytes that one read of a stream takes at most. */
const READ_BYTES = 64 * 1024;

const forgotten = new FinalizationRegistry<number>(closeFile);

/** A descriptor from `openFile` that several owners share. Whoever makes it is its first owner. */
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

  /** One owner less; the last one closes the descriptor. */
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

  /** Becomes one more owner of `file`. */
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

  /** Gives the descriptor back: the body is sent, or will not be. May be called again, and then does nothing. */
  close(): void {
    const file = this.#file;
    this.#file = null;
    file?.release();
  }

  /** Another body of the same bytes, which is closed for itself. @throws Error once this one is closed */
  share(): FileBody {
    if (this.#file === null) throw new Error('share() of a body that is closed');
    return new FileBody(this.#file, this.start, this.end);
  }

  /**
   * The bytes as a stream, for whoever wants them in JavaScript. It reads when it is read from and closes the body at its
   * end or when it is cancelled; as long as nobody reads it, the body can still be sent.
   */
  stream(): ReadableStream<Uint8Array> {
    let at = this.start;
    return new ReadableStream({
      type: 'bytes',
      pull: async (controller) => {
        try {
          const chunk = await this.#read(at);
          // Cancelled meanwhile: nobody wants it.
          if (chunk === null) return;
          at += chunk.byteLength;
          if (chunk.byteLength > 0) controller.enqueue(chunk);
          if (at < this.end) return;
          this.close();
          controller.close();
          // A reader that brought its own buffer gets it back only so (Streams, ReadableByteStreamController.close).
          controller.byobRequest?.respond(0);
        } catch (error) {
          this.close();
          controller.error(error);
        }
      },
      cancel: () => this.close(),
    }) as ReadableStream<Uint8Array>;
  }

  /** The bytes from `at`, as many as one read gives; null when the body was closed before they came. */
  async #read(at: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const file = this.#file;
    if (file === null) throw new Error('the file was closed before it was read');
    const want = Math.min(READ_BYTES, this.end - at);
    if (want === 0) return new Uint8Array(0);
    // An owner for as long as libuv's thread uses the descriptor, whoever closes the body meanwhile.
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
