/** The token of the dashboard, where it is fixed. Messages never show it. */
import type { OptionKind } from './option-kinds.js';
import { optionError } from './validate.js';

/** What a URL's fragment and a subprotocol's name may both have (RFC 3986, 2.3; RFC 9110, 5.6.2). */
const TOKEN = /^[A-Za-z0-9._~-]{16,256}$/;

/** @throws PacelineError `PACELINE_OPTION` */
export function checkToken(value: unknown, name: string): string {
  if (typeof value === 'string' && TOKEN.test(value)) return value;
  throw optionError(`${name} must be a token of 16 to 256 characters out of A-Z, a-z, 0-9 and . _ ~ -`);
}

export const tokens = (): OptionKind<string> => ({
  check: checkToken,
  schema: { type: 'string', pattern: TOKEN.source },
});
