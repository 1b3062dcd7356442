/** The types of errors: programs branch on `code`, and the compiler knows all of them. */
import { PacelineError, type PacelineErrorCode } from '../../lib/index.js';
import { expectType } from './expect.js';

/** Every code, so that none is taken away or renamed by accident. */
export const CODES = {
  PACELINE_OPTION: true,
  PACELINE_PLATFORM: true,
  PACELINE_SYSTEM: true,
  PACELINE_ADDRESS_IN_USE: true,
  PACELINE_ADDRESS: true,
  PACELINE_APP_LOAD: true,
  PACELINE_APP_SHAPE: true,
  PACELINE_STATE: true,
  PACELINE_THREAD_START: true,
  PACELINE_THREAD_LOOP: true,
  PACELINE_CONNECTION: true,
  PACELINE_WRITE_OVERFLOW: true,
  PACELINE_BODY_LIMIT: true,
  PACELINE_CLIENT_GONE: true,
} satisfies Record<PacelineErrorCode, true>;

export function branchesOnCodes(error: unknown): string | undefined {
  if (!(error instanceof PacelineError)) return undefined;
  expectType<PacelineErrorCode>()(error.code);
  expectType<number | undefined>()(error.errno);
  expectType<string | undefined>()(error.syscall);
  error.name satisfies 'PacelineError';
  // @ts-expect-error: there is no such code
  if (error.code === 'PACELINE_ADRESS') return undefined;
  if (error.code === 'PACELINE_ADDRESS_IN_USE') return error.syscall;
  // @ts-expect-error: a code stays what it is
  error.code = 'PACELINE_STATE';
  return undefined;
}
