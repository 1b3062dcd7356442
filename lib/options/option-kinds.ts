/**
 * The kinds of values that options have on the command line, in the environment and in the config file: how a value is
 * checked, and how the JSON schema of the config file says the same.
 */
import { HOST_AND_PORT, type HostAndPort, hostAndPort, PORT_DIGITS, PORT_MAX } from './host-port.js';
import { isWholeNumber, optionError, show, wholeNumber } from './validate.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface OptionKind<Value> {
  /** Converts a text of the command line or the environment to the value that JSON would have, if it can. */
  readonly fromText?: (text: string) => unknown;
  /**
   * Checks a value from `fromText` or from the config file, and returns what it stands for.
   *
   * @param name the option as the user spelled it, for the message
   * @throws PacelineError `PACELINE_OPTION` for a value that the option cannot have
   */
  readonly check: (value: unknown, name: string) => Value;
  /** The JSON schema that accepts the same values as `check`. */
  readonly schema: JsonSchema;
  readonly unit?: 'ms' | 'bytes' | undefined;
  /** Unit and bounds of a number, for the docs. */
  readonly range?: string;
}

/** No limit, on the command line, in the environment and in JSON, which has no `Infinity`. */
const UNLIMITED = 'unlimited';

export interface NumberKind extends OptionKind<number> {
  readonly min: number;
  readonly max: number;
  /** Whether there may be no limit: `Infinity` in `createServer`, `unlimited` elsewhere. */
  readonly unlimited: boolean;
}

/** Whole numbers from `min` to `max`. */
export function wholeNumbers({
  min = 0,
  max,
  unit,
  unlimited = false,
}: {
  min?: number;
  max: number;
  unit?: 'ms' | 'bytes';
  unlimited?: boolean;
}): NumberKind {
  const integers = { type: 'integer', minimum: min, maximum: max };
  const digits = new RegExp(`^\\d{1,${String(max).length}}$`);
  return {
    min,
    max,
    unit,
    range: `${unit === undefined ? '' : `${unit}, `}${min} to ${max}${unlimited ? `, or ${UNLIMITED}` : ''}`,
    unlimited,
    fromText: (text) => (digits.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text),
    check(value, name) {
      if (!unlimited) return wholeNumber(value, name, min, max);
      // A config file that is a module may have the number.
      if (value === UNLIMITED || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
      if (isWholeNumber(value, min, max)) return value;
      throw optionError(
        `${name} must be a whole number from ${min} to ${max}, or ${UNLIMITED}, not ${show(value)}`,
      );
    },
    schema: unlimited ? { anyOf: [integers, { const: UNLIMITED }] } : integers,
  };
}

/** Ports. The config file may also have one as text, as templates write it. */
export function ports(): NumberKind {
  const numbers = wholeNumbers({ max: PORT_MAX });
  return {
    ...numbers,
    check: (value, name) => numbers.check(typeof value === 'string' ? numbers.fromText!(value) : value, name),
    schema: { anyOf: [numbers.schema, { type: 'string', pattern: `^${PORT_DIGITS}$` }] },
  };
}

export function texts(): OptionKind<string> {
  return { check: checkText, schema: { type: 'string', minLength: 1 } };
}

export function choices<const Choice extends string>(among: readonly Choice[]): OptionKind<Choice> {
  return {
    check(value, name) {
      const choice = among.find((candidate) => candidate === value);
      if (choice !== undefined) return choice;
      throw optionError(`${name} must be one of: ${among.join(', ')}; not ${show(value)}`);
    },
    schema: { enum: among },
  };
}

/** `true` or `false`. */
export function booleans(): OptionKind<boolean> {
  return {
    fromText: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    check: checkBoolean,
    schema: { type: 'boolean' },
  };
}

/** @throws PacelineError `PACELINE_OPTION` */
export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value;
  throw optionError(`${name} must be true or false, not ${show(value)}`);
}

/** Numbers from 0 to 1. */
export function shares(): OptionKind<number> {
  return {
    range: '0 to 1',
    fromText: (text) => (/^(?:\d{1,9}(?:\.\d{0,15})?|\.\d{1,15})$/.test(text) ? Number(text) : text),
    check: checkShare,
    schema: { type: 'number', minimum: 0, maximum: 1 },
  };
}

function checkShare(value: unknown, name: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw optionError(`${name} must be a number from 0 to 1, not ${show(value)}`);
}

/** HOST:PORT, or off. */
export function addressOrOff(): OptionKind<HostAndPort | 'off'> {
  return {
    check(value, name) {
      const text = checkText(value, name);
      if (text === 'off') return text;
      const address = hostAndPort(text);
      if (address !== undefined) return address;
      throw optionError(`${name} must be HOST:PORT (with IPv6 in brackets) or off, not ${show(text)}`);
    },
    schema: { anyOf: [{ const: 'off' }, { type: 'string', pattern: HOST_AND_PORT }] },
  };
}

function checkText(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw optionError(`${name} must be a text that is not empty, not ${show(value)}`);
}
