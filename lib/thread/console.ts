/**
 * Standard output and error of a worker thread, written to descriptors 1 and 2 by the thread itself, before `write` returns.
 * Node.js sends them to the main thread by messages: out of order, late while either thread is busy, and lost when the thread is
 * terminated or the process ends (docs/decisions/0011).
 *
 * The streams stay the objects that Node.js made: `console`, `node:process` and preloaded modules may hold them already.
 */
import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';

/** Bytes that a pipe takes whole or not at all (pipe(7), PIPE_BUF of Linux). */
const PIPE_BUF = 4096;
const NEWLINE = 0x0a;
/** Bounds of the pause before a full pipe is tried again. It doubles while the reader takes nothing. */
const MIN_PAUSE_MS = 1;
const MAX_PAUSE_MS = 16;

/** Never notified: waiting for it is a pause that `worker.terminate()` ends, unlike a system call. */
const pauseCell = new Int32Array(new SharedArrayBuffer(4));

type Callback = (error?: Error | null) => void;
/** Not documented, but part of every supported release. */
interface Revivable extends Writable {
  _undestroy(): void;
}
interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: BufferEncoding;
}

/**
 * Directs the calling worker thread's process.stdout and process.stderr to descriptors 1 and 2. Resolves once the main thread has
 * taken what was printed before. From then on, all that was printed has left the thread when `write` returns, whatever ends the
 * thread. A full pipe is waited for. What the system refuses otherwise, because the reader has left or the disk is full, is dropped
 * without an error.
 */
export async function installConsole(): Promise<void> {
  await Promise.all([direct(process.stdout, 1), direct(process.stderr, 2)]);
}

async function direct(stream: Writable, fd: number): Promise<void> {
  // Modules that were preloaded may have printed.
  if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  // A write to a file is not interleaved with others, whatever its length (write(2), "Bugs").
  // As bigint: Node keeps the last other result, and if that is a pipe's, takes symbolic links for folders when it looks for modules.
  const maxBytes = fstatSync(fd, { bigint: true }).isFile() ? Number.POSITIVE_INFINITY : PIPE_BUF;
  Object.assign(stream, {
    fd,
    _write(chunk: Chunk['chunk'], encoding: BufferEncoding, done: Callback): void {
      writeLines(fd, bytesOf({ chunk, encoding }), maxBytes);
      done();
    },
    /** Called when the stream is uncorked. */
    _writev(chunks: readonly Chunk[], done: Callback): void {
      writeLines(fd, Buffer.concat(chunks.map(bytesOf)), maxBytes);
      done();
    },
    /** Node.js gives the main thread's streams the same: they are open again after `end()`, or a pipeline's end. */
    _destroy(error: Error | null, done: Callback): void {
      done(error);
      (stream as Revivable)._undestroy();
    },
  });
  if (isatty(fd)) makeTerminal(stream, fd);
}

function bytesOf({ chunk, encoding }: Chunk): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}

/** Writes whole lines by one call each time, as many as fit into `maxBytes`, or one that is longer. */
function writeLines(fd: number, bytes: Uint8Array, maxBytes: number): void {
  for (let start = 0; start < bytes.length; ) {
    const end = endOfLines(bytes, start, maxBytes);
    if (!writeAll(fd, bytes, start, end)) return;
    start = end;
  }
}

function endOfLines(bytes: Uint8Array, start: number, maxBytes: number): number {
  if (bytes.length - start <= maxBytes) return bytes.length;
  const last = bytes.lastIndexOf(NEWLINE, start + maxBytes - 1);
  if (last >= start) return last + 1;
  const next = bytes.indexOf(NEWLINE, start + maxBytes);
  return next < 0 ? bytes.length : next + 1;
}

/** @returns whether the system took everything */
function writeAll(fd: number, bytes: Uint8Array, start: number, end: number): boolean {
  let pauseMs = MIN_PAUSE_MS;
  for (let written = start; written < end; ) {
    try {
      written += writeSync(fd, bytes, written, end - written);
      pauseMs = MIN_PAUSE_MS;
    } catch (error) {
      // libuv makes a pipe of the process non-blocking when the main thread first uses it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false;
      Atomics.wait(pauseCell, 0, 0, pauseMs);
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
    }
  }
  return true;
}

/** Gives the stream what tty.WriteStream has. A thread gets no SIGWINCH, so the size stays that of the thread's start. */
function makeTerminal(stream: Writable, fd: number): void {
  const { clearLine, clearScreenDown, cursorTo, getColorDepth, getWindowSize, hasColors, moveCursor } =
    WriteStream.prototype;
  const terminal = new WriteStream(fd);
  const { columns, rows } = terminal;
  terminal.destroy();
  Object.assign(stream, {
    isTTY: true,
    columns,
    rows,
    clearLine,
    clearScreenDown,
    cursorTo,
    getColorDepth,
    getWindowSize,
    hasColors,
    moveCursor,
  });
}
