/** An error record as text for people: on a terminal, in a log, on a page. */
import { type ErrorRecord, NON_ERROR } from './error-record.js';

export interface RenderOptions {
  /** Whether to colour it by the escape sequences of terminals. Default: false. */
  readonly color?: boolean;
}

type Style = (text: string) => string;

/** Sequences of ECMA-48, 8.3.117. */
const sgr =
  (on: number, off: number): Style =>
  (text) =>
    `\u001b[${on}m${text}\u001b[${off}m`;
const plain: Style = (text) => text;

/**
 * Several lines without a line break at the end: name, code and message; the code frame; the stack; then the causes and the parts,
 * each indented. Control characters are shown escaped, so that no message writes to the terminal what it likes.
 */
export function renderError(record: ErrorRecord, { color = false }: RenderOptions = {}): string {
  return new Renderer(color).lines(record).join('\n');
}

/** As renderError, without the first line, for what comes after a {@link summary} that shows all of it. */
export function renderDetails(record: ErrorRecord, { color = false }: RenderOptions = {}): string {
  const lines = new Renderer(color).lines(record);
  return (isOneLine(record) ? lines.slice(1) : lines).join('\n');
}

/** The first lines of a record: `TypeError: message`, or `Error [CODE]: message` where the message does not say the code. */
export const headline = (record: ErrorRecord): string => visible(titleOf(record));

function titleOf({ name, code, message }: ErrorRecord): string {
  if (name === NON_ERROR) return message;
  const shown = code === undefined || message.includes(String(code)) ? name : `${name} [${code}]`;
  return message === '' ? shown : `${shown}: ${message}`;
}

/** Of the title in a summary, so that the place is not cut off where lines are bounded. */
const MAX_TITLE_CHARACTERS = 240;

/** A record in one line: `TypeError: message (FILE:LINE:COLUMN)`. */
export function summary(record: ErrorRecord): string {
  // Node appends the modules that led to one that is missing, of which the place is the first; and why a file is an ES module.
  const title = titleOf(record)
    .replace(/\n(?:Require stack:\n- |This file is being treated as an ES module because ).*/s, '')
    .replace(/[\s\p{Cc}]+/gu, ' ');
  const bounded = title.length <= MAX_TITLE_CHARACTERS ? title : `${title.slice(0, MAX_TITLE_CHARACTERS)}…`;
  const { file, line, column } = record.location ?? { file: '' };
  return file.startsWith('/') ? `${bounded} (${visible(file)}:${line}:${column})` : bounded;
}

const isOneLine = (record: ErrorRecord): boolean =>
  !record.message.includes('\n') && titleOf(record).length <= MAX_TITLE_CHARACTERS;

class Renderer {
  readonly #red: Style;
  readonly #dim: Style;

  constructor(color: boolean) {
    this.#red = color ? sgr(31, 39) : plain;
    this.#dim = color ? sgr(2, 22) : plain;
  }

  lines(record: ErrorRecord): string[] {
    const { frame, stack, cause, errors = [] } = record;
    const [first, ...rest] = headline(record).split('\n');
    const lines = [this.#red(first!), ...rest];
    if (frame !== undefined) lines.push('', ...visible(frame).split('\n').map(this.#frameLine), '');
    if (stack !== undefined) lines.push(...visible(stack).split('\n').map(this.#dim));
    if (cause !== undefined) lines.push(...this.#inner('[cause]: ', cause));
    for (const [index, part] of errors.entries()) {
      lines.push(...this.#inner(`[${index + 1} of ${errors.length}]: `, part));
    }
    return lines;
  }

  #frameLine = (line: string): string => (/^> |^ +\| +\^$/.test(line) ? this.#red(line) : this.#dim(line));

  #inner(label: string, record: ErrorRecord): string[] {
    return this.lines(record).map((line, index) => (index === 0 ? `  ${label}${line}` : line && `  ${line}`));
  }
}

/** Text whose control characters, other than line breaks and tabs, are escaped as in JavaScript. */
export const visible = (text: string): string =>
  text.replace(
    /[^\P{Cc}\n\t]/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
