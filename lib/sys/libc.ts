/**
 * The binding to libc: the one place that loads native symbols. `koffi.load(null)` finds the symbols of the running
 * executable, so glibc and musl alike. The other files of this folder declare the functions they use through `func`.
 *
 * A failing call returns its errno negated, as the kernel's own interface does: no exception on a hot path, no
 * second call by the reader. `errno` is per thread and must be read right after the call.
 */

import { constants } from 'node:os';
import koffi from 'koffi';
import { PacelineError, type PacelineErrorCode } from '../errors.js';

const symbols = koffi.load(null);

/** Declares a C function by its prototype. */
// biome-ignore lint/suspicious/noExplicitAny: the prototype string is the type; each caller narrows it at once.
export function func<F extends (...args: any[]) => unknown>(prototype: string): F {
  return symbols.func(prototype) as unknown as F;
}

/** The errno of this thread's last failed call. */
export const errno = (): number => koffi.errno();

/**
 * The address of the bytes of `buffer`. They must lie outside of the JavaScript heap (Buffer.allocUnsafeSlow does that), which
 * keeps them in place, and the buffer must be held for as long as the address is used. A call that gets an address
 * instead of a buffer costs some 25 ns less.
 */
export const addressOf = (buffer: Uint8Array): number => Number(koffi.address(buffer));

/** A call's result, or its errno negated. */
export const orErrno = (result: number): number => (result < 0 ? -koffi.errno() : result);

export const {
  EAGAIN,
  EINTR,
  EINVAL,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  ECONNABORTED,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EACCES,
  ENOENT,
  ENOTDIR,
  EPIPE,
  ECONNRESET,
} = constants.errno;

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** `EADDRINUSE` for 98, and so on. */
export const errnoName = (number: number): string => names.get(number) ?? `errno ${number}`;

/** The typed error of a failed system call. */
export function systemError(
  syscall: string,
  number: number,
  what = '',
  code: PacelineErrorCode = 'PACELINE_SYSTEM',
): PacelineError {
  const message = `${syscall} failed with ${errnoName(number)}${what && `: ${what}`}`;
  return new PacelineError(code, message, { errno: number, syscall });
}

/** Passes a non-negative result on and throws the typed error of a negative one. */
export function must(syscall: string, result: number): number {
  if (result < 0) throw systemError(syscall, -result);
  return result;
}
