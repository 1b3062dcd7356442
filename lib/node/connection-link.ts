/**
 * What an app does to a connection by its socket: it writes, ends it, destroys it, reads on. Writes are sent at once, put together in the
 * thread's buffer as far as they fit, and the app's callback is called when the kernel has taken the last byte. The rest is noted here,
 * and the connection is woken.
 */
import type { ConnectionOutput } from '../http/output.js';
import { canceled, connectionReset } from './client-error.js';
import type { Chunk, Done, SocketLink } from './socket.js';

/** Bytes above which a chunk is sent from its own memory instead of being copied. */
const COPY_BYTES = 32 * 1024;
/** Of one character in UTF-8. */
const MAX_CHARACTER_BYTES = 3;

/** The thread's buffer, which is empty whenever user code runs. */
interface Buffered {
  readonly bytes: Buffer;
  length: number;
}

/** The connection as its link sees it. */
export interface LinkOwner {
  readonly output: ConnectionOutput;
  wake(): void;
  /** Code of the app has run. */
  appContinued(): void;
  /** The app has ended the output. */
  outputEnded(): void;
  /** Sending has failed. */
  outputFailed(): void;
  bodyReadOn(paused: boolean): void;
  /** Bytes have been written. */
  count(bytes: number): void;
  readonly raise: (error: unknown) => void;
}

export class ConnectionLink implements SocketLink {
  readonly #owner: LinkOwner;
  readonly #buffer: Buffered;
  /** The app has destroyed the socket; it has ended it. */
  isDestroyed = false;
  isEnded = false;
  /** The callbacks of writes that the kernel has not taken all of. */
  #waiting: Done[] = [];

  constructor(owner: LinkOwner, buffer: Buffered) {
    this.#owner = owner;
    this.#buffer = buffer;
  }

  /** Another connection begins. */
  reset(): void {
    this.isDestroyed = false;
    this.isEnded = false;
  }

  /** The kernel has not taken all that was written. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  send(chunks: readonly Chunk[], done: Done): void {
    const owner = this.#owner;
    const { output } = owner;
    const before = output.sentBytes + output.queuedBytes;
    owner.appContinued();
    const isSent = this.#write(chunks);
    owner.count(output.sentBytes + output.queuedBytes - before);
    if (!isSent) {
      owner.outputFailed();
      done(connectionReset());
    } else if (output.queuedBytes === 0) done();
    else {
      this.#waiting.push(done);
      owner.wake();
    }
  }

  #write(chunks: readonly Chunk[]): boolean {
    try {
      return writeChunks(this.#buffer, this.#owner.output, chunks);
    } finally {
      // Also where a chunk could not be encoded: what is in the buffer must not be sent on another connection.
      this.#buffer.length = 0;
    }
  }

  /** Calls back for everything once the queue is empty. @returns as OutputQueue.flush */
  flush(): number {
    const { output } = this.#owner;
    const flushed = output.flush();
    if (output.queuedBytes === 0) this.#complete(null);
    return flushed;
  }

  /** The connection has ended: calls back for what will never be sent. */
  cancel(): void {
    if (this.#waiting.length > 0) this.#complete(canceled());
  }

  #complete(error: Error | null): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) {
      try {
        done(error);
      } catch (thrown) {
        this.#owner.raise(thrown);
      }
    }
  }

  endOutput(done: Done): void {
    this.isEnded = true;
    this.#owner.outputEnded();
    done();
    this.#owner.wake();
  }

  readOn(paused: boolean): void {
    this.#owner.bodyReadOn(paused);
  }

  destroyed(): void {
    this.isDestroyed = true;
    this.#owner.wake();
  }
}

/** @returns false when the connection is broken */
function writeChunks(buffer: Buffered, output: ConnectionOutput, chunks: readonly Chunk[]): boolean {
  for (const { chunk, encoding } of chunks) {
    const sent =
      typeof chunk === 'string'
        ? writeText(buffer, output, chunk, encoding as BufferEncoding)
        : writeBytes(buffer, output, chunk);
    if (!sent) return false;
  }
  return buffer.length === 0 || output.sendWritten();
}

function writeText(
  buffer: Buffered,
  output: ConnectionOutput,
  text: string,
  encoding: BufferEncoding,
): boolean {
  // No encoding makes more bytes of a character.
  const most = text.length * MAX_CHARACTER_BYTES;
  if (most > COPY_BYTES) return writeBytes(buffer, output, Buffer.from(text, encoding));
  if (!hasRoom(buffer, output, most)) return false;
  buffer.length += buffer.bytes.write(text, buffer.length, encoding);
  return true;
}

function writeBytes(buffer: Buffered, output: ConnectionOutput, bytes: Uint8Array): boolean {
  if (bytes.length > COPY_BYTES)
    return (buffer.length === 0 || output.sendWritten(true)) && output.send(bytes, bytes.length);
  if (!hasRoom(buffer, output, bytes.length)) return false;
  buffer.bytes.set(bytes, buffer.length);
  buffer.length += bytes.length;
  return true;
}

/** Sends what is in the buffer if there is no room for `bytes` more. @returns false when the connection is broken */
const hasRoom = (buffer: Buffered, output: ConnectionOutput, bytes: number): boolean =>
  buffer.length + bytes <= buffer.bytes.length || output.sendWritten(true);
