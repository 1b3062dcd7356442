/** The lines of the access log: Common and Combined as Apache writes them, and one JSON object. */
import { jsonText, logItem } from './escape.js';
import { type HeadText, LINE_END, versionOf } from './request-facts.js';

export type AccessFormat = 'common' | 'combined' | 'json';

/** An answered request, or one that ended without an answer. */
export interface AccessEntry {
  /** When the request began, in milliseconds since the epoch. */
  readonly at: number;
  /** '' where it is unknown. */
  readonly remoteAddress: string;
  /** Null for a head that was refused. */
  readonly head: HeadText | null;
  /** What the client has sent in place of a request line, where there is no head. */
  readonly received: string;
  readonly status: number;
  /** Bytes of the response's body that were sent or queued. */
  readonly bytes: number;
  readonly durationMicros: number;
  readonly thread: number;
  /** The route's name, where it is declared or learned; else null. */
  readonly route: string | null;
  readonly traceId: string | null;
  /** The response was not completed. */
  readonly aborted: boolean;
}

/**
 * Bounds of the fields, in characters, escapes included. A line of all of them is shorter than what a pipe takes whole (PIPE_BUF), so
 * lines of different threads are never mixed.
 */
const MAX_REQUEST = 2048;
const MAX_METHOD = 64;
const MAX_REFERER = 768;
const MAX_AGENT = 512;
const MAX_ROUTE = 256;

const FIELD = /\r\n(referer|user-agent):[ \t]*([^\r]*)/gi;

/** Formats of the access log. @returns the line with its end, in ASCII */
export const ACCESS_LINES: Readonly<Record<AccessFormat, (entry: AccessEntry) => string>> = {
  common: (entry) => `${commonOf(entry)}\n`,
  combined: (entry) => {
    const { referer, agent } = sentFields(entry.head);
    return `${commonOf(entry)} ${quoted(referer, MAX_REFERER)} ${quoted(agent, MAX_AGENT)}\n`;
  },
  json: jsonOf,
};

/** `%h %l %u %t "%r" %>s %b` */
function commonOf({ at, remoteAddress, head, received, status, bytes }: AccessEntry): string {
  const line = head === null ? received : head.text.slice(0, head.text.indexOf(LINE_END));
  return `${remoteAddress || '-'} - - ${clockText(at)} ${quoted(line, MAX_REQUEST)} ${status} ${bytes || '-'}`;
}

const quoted = (text: string, max: number): string => (text === '' ? '"-"' : `"${logItem(text, max)}"`);

function jsonOf(entry: AccessEntry): string {
  const { at, remoteAddress, head, received, status, bytes, durationMicros, thread } = entry;
  let text = `{"type":"access","time":"${new Date(at).toISOString()}","remoteAddress":"${remoteAddress}"`;
  if (head === null) text += member('received', received, MAX_REQUEST);
  else {
    const target = head.text.slice(head.targetStart, head.targetEnd);
    text += member('method', head.text.slice(0, head.methodEnd), MAX_METHOD);
    text += member('target', target, MAX_REQUEST) + member('httpVersion', versionOf(head), MAX_METHOD);
  }
  text += `,"status":${status},"bytes":${bytes},"durationMs":${(durationMicros / 1000).toFixed(3)}`;
  const { referer, agent } = sentFields(head);
  text += member('referer', referer, MAX_REFERER) + member('userAgent', agent, MAX_AGENT);
  text += `,"thread":${thread}${member('route', entry.route ?? '', MAX_ROUTE)}`;
  text += member('traceId', entry.traceId ?? '', MAX_METHOD);
  return `${text}${entry.aborted ? ',"aborted":true' : ''}}\n`;
}

/** A member of the object; nothing for an empty text. */
const member = (name: string, text: string, max: number): string =>
  text === '' ? '' : `,"${name}":${jsonText(text, max)}`;

/** The first field of each name. */
function sentFields(head: HeadText | null): { referer: string; agent: string } {
  let referer = '';
  let agent = '';
  if (head === null) return { referer, agent };
  FIELD.lastIndex = 0;
  for (let match = FIELD.exec(head.text); match !== null; match = FIELD.exec(head.text)) {
    const value = match[2]!.trimEnd();
    if (match[1]!.length === 'referer'.length) referer ||= value;
    else agent ||= value;
  }
  return { referer, agent };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MS_PER_SECOND = 1000;
const MINUTES_PER_HOUR = 60;

/** The last one made: requests of one second share it. */
let clock = { second: Number.NaN, text: '' };

/** `[22/Nov/2026:07:40:18 +0000]`, in the local time zone. */
function clockText(at: number): string {
  const second = Math.floor(at / MS_PER_SECOND);
  if (clock.second !== second) clock = { second, text: clockOf(new Date(at)) };
  return clock.text;
}

function clockOf(date: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const east = -date.getTimezoneOffset();
  const hours = Math.trunc(Math.abs(east) / MINUTES_PER_HOUR);
  const zone = `${east < 0 ? '-' : '+'}${two(hours)}${two(Math.abs(east) % MINUTES_PER_HOUR)}`;
  return `[${day}:${time} ${zone}]`;
}
