/**
 * Reads an error's stack as V8 writes it: the frames, and the place that Node puts before the stack of a syntax error. It tells the
 * app's frames from those of the runtime and of Node, which say nothing to who has written the app.
 */
import { fileURLToPath } from 'node:url';

/** A place in a source file. */
export interface Place {
  /** An absolute path; the URL or the name of what is no file. */
  readonly file: string;
  /** From 1, as the column. */
  readonly line: number;
  readonly column: number;
}

/** What a stack says. */
export interface Stack {
  /** The app's frames, each a line that begins with `at `. */
  readonly frames: readonly string[];
  /** Where the error arose: in the app's own code rather than in a package. Null where no frame says it. */
  readonly place: Place | null;
}

type Origin = 'app' | 'runtime' | 'internal' | 'node' | 'native';

interface Frame {
  readonly text: string;
  readonly origin: Origin;
  readonly place: Place | null;
}

/** The folders of the runtime: compiled, bundled, and its sources, which source maps lead to. */
const RUNTIME = runtimeFolders(fileURLToPath(import.meta.url));

/** Beyond such a frame are not the callers, but what has run the next microtask. */
const RESUMED = /^at async |processTicksAndRejections|runMicrotasks/;

const MAX_FRAMES = 24;
/** Of a frame; a URL may hold a whole module (`data:`). */
const MAX_FRAME_CHARACTERS = 300;
/** Lines before a stack that Node writes for a syntax error: the place, some source, a line of carets. */
const MAX_SOURCE_LINES = 12;

/**
 * @param text the error's stack, whose frames follow the message
 * @param message the error's message, which may look like a frame itself
 */
export function readStack(text: string, message: string): Stack {
  const start = message === '' ? -1 : text.indexOf(message);
  const frames = framesOf(start < 0 ? text : text.slice(start + message.length));
  const own = frames.filter(({ origin }) => origin === 'app');
  const first = own.find(({ place }) => place !== null && !place.file.includes('/node_modules/')) ?? own[0];
  const kept = own.length > 0 ? appFrames(frames) : ofRuntime(frames);
  return {
    frames: kept.slice(0, MAX_FRAMES).map((frame) => frame.text.slice(0, MAX_FRAME_CHARACTERS)),
    place: placeBefore(text) ?? first?.place ?? null,
  };
}

/** A path for the URL of a file; anything else as it is, without a query. */
export function pathOf(file: string): string {
  if (!file.startsWith('file:')) return file;
  try {
    return fileURLToPath(file.replace(/[?#].*$/, ''));
  } catch {
    return file;
  }
}

/** @param path of this file, which is in dist/lib or in dist/bundle */
function runtimeFolders(path: string): readonly string[] {
  const project = path.slice(0, path.lastIndexOf('/dist/') + 1);
  return ['dist/lib/', 'dist/bundle/', 'lib/'].map((folder) => project + folder);
}

function framesOf(text: string): Frame[] {
  const frames: Frame[] = [];
  for (const [, line] of text.matchAll(/^[ \t]+(at [^\n]+)/gm)) {
    frames.push(frameOf(line!));
    // No stack is longer, unless the app has raised Error.stackTraceLimit.
    if (frames.length === 8 * MAX_FRAMES) break;
  }
  return frames;
}

function frameOf(line: string): Frame {
  const text = line.trimEnd();
  const bracket = text.indexOf(' (');
  const where = bracket < 0 ? text.replace(/^at (?:async )?/, '') : text.slice(bracket + 2, -1);
  const [, raw, row, column] = /^(.*):(\d+):(\d+)$/.exec(where) ?? [];
  if (raw === undefined) return { text, origin: 'native', place: null };
  // Code that was compiled from a string has no file of its own.
  if (raw.startsWith('eval at ')) return { text, origin: 'app', place: null };
  const file = pathOf(raw);
  return {
    text: file === raw ? text : text.replace(raw, () => file),
    origin: originOf(file),
    place: { file: file.slice(0, MAX_FRAME_CHARACTERS), line: Number(row), column: Number(column) },
  };
}

function originOf(file: string): Origin {
  if (RUNTIME.some((folder) => file.startsWith(folder))) return 'runtime';
  if (file.startsWith('node:internal/')) return 'internal';
  return file.startsWith('node:') ? 'node' : 'app';
}

/** The app's frames, and what they have called of Node's public modules and of the language. */
function appFrames(frames: readonly Frame[]): Frame[] {
  let isCalledByApp = false;
  const kept: Frame[] = [];
  for (const frame of frames.toReversed()) {
    if (frame.origin === 'runtime') isCalledByApp = false;
    else if (frame.origin === 'app') isCalledByApp = true;
    if (isCalledByApp && frame.origin !== 'internal') kept.push(frame);
  }
  return kept.reverse();
}

/** All frames of an error that arose in the runtime without the app; those of Node alone say no more than the message. */
function ofRuntime(frames: readonly Frame[]): readonly Frame[] {
  const end = frames.findIndex(({ text }) => RESUMED.test(text));
  const direct = end < 0 ? frames : frames.slice(0, end);
  return direct.some(({ origin }) => origin === 'runtime') ? direct : [];
}

/** The place that Node writes before a stack, as `FILE:LINE`, lines of source, and carets below the column. */
function placeBefore(text: string): Place | null {
  const lines = text.slice(0, 64 * 1024).split('\n', MAX_SOURCE_LINES);
  const [, file, line] = /^(\S.*):(\d+)$/.exec(lines[0]!) ?? [];
  if (file === undefined || file.startsWith('node:')) return null;
  const carets = lines.find((candidate) => /^\s*\^+\s*$/.test(candidate));
  if (carets !== undefined)
    return { file: pathOf(file), line: Number(line), column: carets.indexOf('^') + 1 };
  // Where a source ends too early, V8 prints as many spaces as the last line has characters, and no caret.
  const blanks = lines[2];
  return blanks?.trim() === '' ? { file: pathOf(file), line: Number(line), column: blanks.length + 1 } : null;
}
