/** The lines of source around a place, with a mark below its column. */
import { readFileSync, statSync } from 'node:fs';
import type { Place } from './stack-frames.js';

const LINES_BEFORE = 2;
const LINES_AFTER = 2;
/** Of a line; of a longer one, the part around the column is shown. */
const MAX_COLUMNS = 120;
/** A larger file is no source that a person reads. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * The frame as several lines, without a line break at the end:
 *
 *       1 | const a = 1;
 *     > 2 | const = 2;
 *         |       ^
 *       3 |
 *
 * @returns null where the file cannot be read or has no such line
 */
export function codeFrame(place: Place): string | null {
  const source = sourceOf(place.file);
  return source === null ? null : frameOf(source, place);
}

/** The text of a regular file of bounded size; null for anything else. */
export function sourceOf(file: string): string | null {
  try {
    const { size, isFile } = statOf(file);
    return isFile && size <= MAX_FILE_BYTES ? readFileSync(file, 'utf8') : null;
  } catch {
    return null;
  }
}

function statOf(file: string): { size: number; isFile: boolean } {
  const stat = statSync(file);
  return { size: stat.size, isFile: stat.isFile() };
}

function frameOf(source: string, { line, column }: Place): string | null {
  const lines = source.split(/\r?\n/, line + LINES_AFTER);
  if (line < 1 || line > lines.length) return null;
  const from = Math.max(1, line - LINES_BEFORE);
  const to = Math.min(lines.length, line + LINES_AFTER);
  const width = String(to).length;
  const skipped = Math.max(0, column - (MAX_COLUMNS >> 1));
  const part = (text: string): string => text.slice(skipped, skipped + MAX_COLUMNS).replaceAll('\t', ' ');
  const rows: string[] = [];
  for (let number = from; number <= to; number++) {
    const mark = number === line ? '>' : ' ';
    rows.push(`${mark} ${String(number).padStart(width)} | ${part(lines[number - 1]!)}`.trimEnd());
    if (number === line) rows.push(`  ${' '.repeat(width)} | ${' '.repeat(column - 1 - skipped)}^`);
  }
  return rows.join('\n');
}
