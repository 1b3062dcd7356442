/** Log entries as text for people: a line, and below it the error with its stack. */
import type { LogFields, Logger } from '../logger.js';
import { errorRecord } from './error-record.js';
import { renderError, visible } from './render-error.js';

export interface LineStyle {
  /** Stands before the level, where lines of others are in the same log. Default: nothing. */
  readonly origin?: string;
  readonly color: boolean;
}

const COLORS: Readonly<Record<keyof Logger, number>> = { error: 31, warn: 33, info: 32, debug: 34 };
const INDENT = '    ';

/** An entry with its line break: `[07:41:29.123] ERROR: a handler failed thread=0 url=/x`, and its error in lines of their own. */
export function logLines(level: keyof Logger, message: string, fields: LogFields, style: LineStyle): string {
  const { error, ...facts } = fields;
  const { origin, color } = style;
  const name = level.toUpperCase();
  const label = color ? `\u001b[${COLORS[level]}m${name}\u001b[39m` : name;
  const texts = Object.entries(facts).map(([key, value]) => ` ${key}=${factText(value)}`);
  const line = `[${time()}] ${origin === undefined ? '' : `${origin} `}${label}: ${visible(message)}${texts.join('')}\n`;
  if (error === undefined) return line;
  const details = renderError(errorRecord(error), { color }).split('\n');
  return `${line}${details.map((detail) => detail && INDENT + detail).join('\n')}\n`;
}

/** Local time. */
function time(): string {
  const now = new Date();
  const [hours, minutes, seconds] = [now.getHours(), now.getMinutes(), now.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${hours}:${minutes}:${seconds}.${String(now.getMilliseconds()).padStart(3, '0')}`;
}

/** A value that is no word is quoted, so that it cannot pass for another field. */
function factText(value: unknown): string {
  const text = typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value);
  return visible(typeof value === 'string' && !/^[^\s"=]+$/.test(text) ? JSON.stringify(text) : text);
}
