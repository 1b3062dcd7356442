/** Text of clients in lines of a log: nothing in it can end a field or a line, or reach a terminal as a control sequence. */

/** Put behind what was cut. */
const CUT = '...';

/** Apache's escapes of what has one: mod_log_config, `ap_escape_logitem`. */
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};
/** Anything but visible ASCII and spaces; and what ends a field. */
const SPECIAL = /[^ !#-[\]-~]/;
const EACH_SPECIAL = new RegExp(SPECIAL, 'g');

const hex = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).padStart(digits, '0');

/** A field of the Common and Combined formats, without its quotes. @param text latin1 @param max the characters of the result */
export function logItem(text: string, max: number): string {
  return bounded(text, max, (part) =>
    part.replace(EACH_SPECIAL, (character) => SHORT[character] ?? `\\x${hex(character, 2)}`),
  );
}

/** A string of JSON in ASCII, with its quotes. @param max the characters between them */
export function jsonText(text: string, max: number): string {
  // JSON has no `\v` and `\x`.
  const escaped = bounded(text, max, (part) =>
    part.replace(EACH_SPECIAL, (character) =>
      character === '\v' ? '\\u000b' : (SHORT[character] ?? `\\u${hex(character, 4)}`),
    ),
  );
  return `"${escaped}"`;
}

/** Characters of the longest escape. */
const MAX_ESCAPE = 6;

function bounded(text: string, max: number, escapeAll: (part: string) => string): string {
  // Most texts need nothing of this.
  if (text.length <= max && !SPECIAL.test(text)) return text;
  const part = text.slice(0, max);
  const escaped = escapeAll(part);
  if (part.length === text.length && escaped.length <= max) return escaped;
  const room = max - CUT.length;
  // No escape is cut in two.
  return escapeAll(text.slice(0, SPECIAL.test(part) ? Math.floor(room / MAX_ESCAPE) : room)) + CUT;
}
