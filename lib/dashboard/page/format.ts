/**
 * Formats numbers for reading. Every function returns '–' for a missing value, so that the page never shows NaN or undefined.
 * A value and its unit are joined by a narrow no-break space.
 */

/** A value and its unit, which the headline shows in two sizes. */
export type Parts = readonly [value: string, unit: string];

export const NOTHING = '–';
const THIN = '\u202f';

/** The text of another part of Paceline, with its numbers and their units kept on one line. */
export const unbroken = (text: string): string =>
  text.replace(/(\d) (?=(?:%|ms|s|min)(?![\w]))/g, `$1${THIN}`);

const join = ([value, unit]: Parts): string => (unit === '' ? value : value + THIN + unit);
const known = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** Three significant digits. */
function digits(value: number): string {
  if (value === 0) return '0';
  if (value < 9.995) return value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return value.toFixed(0);
}

/** A whole number with its thousands separated. */
export function count(value: number | null | undefined): string {
  if (!known(value)) return NOTHING;
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, THIN);
}

export function durationParts(ms: number | null | undefined): Parts {
  if (!known(ms)) return [NOTHING, ''];
  if (ms < 0) return ['0', 'ms'];
  if (ms < 0.9995) return [(ms * 1000).toFixed(0), 'µs'];
  if (ms < 999.5) return [digits(ms), 'ms'];
  if (ms < 59_950) return [(ms / 1000).toFixed(1), 's'];
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return [`${Math.floor(seconds / 60)}:${two(seconds % 60)}`, 'min'];
  return [`${Math.floor(seconds / 3600)}:${two(Math.floor((seconds % 3600) / 60))}`, 'h'];
}

export const duration = (ms: number | null | undefined): string => join(durationParts(ms));

/** A rate per second; small ones keep one decimal. */
export function rateParts(perSecond: number | null | undefined): Parts {
  if (!known(perSecond)) return [NOTHING, ''];
  if (perSecond > 0 && perSecond < 9.95) return [perSecond.toFixed(1), '/s'];
  if (perSecond < 99_950) return [count(perSecond), '/s'];
  if (perSecond < 999_500) return [(perSecond / 1000).toFixed(0), 'k/s'];
  return [digits(perSecond / 1e6), 'M/s'];
}

export const rate = (perSecond: number | null | undefined): string => join(rateParts(perSecond));

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(value: number | null | undefined): string {
  if (!known(value)) return NOTHING;
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < BYTE_UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  return join([unit === 0 ? rest.toFixed(0) : digits(rest), BYTE_UNITS[unit]!]);
}

/** For an axis, whose numbers are round: without trailing zeros. */
export function rounded(text: string): string {
  return text.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');
}

/** A share from 0 to 1 in percent. One that is above 0 but would round to it is not shown as 0. */
export function percentParts(share: number | null | undefined): Parts {
  if (!known(share)) return [NOTHING, ''];
  if (share > 0 && share < 0.005) return ['<1', '%'];
  return [(Math.min(1, Math.max(0, share)) * 100).toFixed(0), '%'];
}

export const percent = (share: number | null | undefined): string => join(percentParts(share));

export function ratio(value: number | null | undefined): string {
  return known(value) ? value.toFixed(2) : NOTHING;
}

const two = (value: number): string => value.toString().padStart(2, '0');

/** The time of day in the browser's time zone. */
export function clock(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function clockWithMillis(at: number): string {
  return `${clock(at)}.${new Date(at).getMilliseconds().toString().padStart(3, '0')}`;
}

/** A time ago, for the banner and the scrub bar. */
export function ago(ms: number): string {
  if (ms < 50) return 'now';
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}${THIN}s ago`;
  return `${duration(ms)} ago`;
}
