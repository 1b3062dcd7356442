/** Where a module does not load, as far as Node says it only in the message: an import of what is not there, or malformed JSON. */
import { dirname, resolve } from 'node:path';
import { sourceOf } from './code-frame.js';
import { type Place, pathOf } from './stack-frames.js';

/** Codes of Node's errors whose messages name the importing module (Node's documentation, "Errors"). */
const IMPORT_CODES: ReadonlySet<unknown> = new Set([
  'ERR_MODULE_NOT_FOUND',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_PACKAGE_IMPORT_NOT_DEFINED',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_INVALID_MODULE_SPECIFIER',
]);

/** `from 'x'`, `import 'x'`, `import('x')`, `require('x')`. */
const IMPORTS = /\b(?:from|import|require)\s*\(?\s*(['"`])([^'"`\n]+)\1/g;

/** Messages are longer only where an app has made them. */
const MAX_MESSAGE_CHARACTERS = 8192;

/** The names that a module's source imports, with the index of each. */
export function importsOf(source: string): { readonly name: string; readonly index: number }[] {
  return [...source.matchAll(IMPORTS)].map((match) => ({
    name: match[2]!,
    index: match.index + match[0].lastIndexOf(match[2]!) - 1,
  }));
}

/** Where a module imports what Node does not find. @returns null for other errors, and where the source does not show it */
export function importSite(code: unknown, message: string): Place | null {
  if (!IMPORT_CODES.has(code) || message.length > MAX_MESSAGE_CHARACTERS) return null;
  const [, importer] = /imported from (.+?)(?:\n|$)/.exec(message) ?? [];
  if (importer === undefined) return null;
  const file = pathOf(importer);
  const source = sourceOf(file);
  if (source === null) return null;
  const [, missing] = /['"]([^'"]+)['"]/.exec(message) ?? [];
  const found = importsOf(source).find(({ name }) => names(name, missing, dirname(file)));
  return found === undefined ? null : placeAt(file, source, found.index);
}

/** Whether `name` in a module of `folder` is what a message calls `missing`: a path, or a package. */
function names(name: string, missing: string | undefined, folder: string): boolean {
  if (missing === undefined) return false;
  if (name === missing || name.startsWith(`${missing}/`) || name.endsWith(missing.replace(/^\./, '')))
    return true;
  return /^(\.|\/|file:)/.test(name) && resolve(folder, pathOf(name)) === pathOf(missing);
}

/** The place of a JSON file's mistake: Node puts the path before V8's message. */
export function jsonPlace(message: string): Place | null {
  if (message.length > MAX_MESSAGE_CHARACTERS) return null;
  const [, url, rest] = /^(\S.*\.json): (.* JSON .*)$/s.exec(message) ?? [];
  if (url === undefined) return null;
  const file = pathOf(url);
  const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(rest!) ?? [];
  if (line !== undefined) return { file, line: Number(line), column: Number(column) };
  const source = sourceOf(file);
  const [, position = source?.length] = /at position (\d+)/.exec(rest!) ?? [];
  return source === null ? null : placeAt(file, source, Number(position));
}

function placeAt(file: string, source: string, index: number): Place {
  const before = source.slice(0, index).split('\n');
  return { file, line: before.length, column: before.at(-1)!.length + 1 };
}
