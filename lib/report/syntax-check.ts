/**
 * Finds the module that a SyntaxError came from. For an ES module that does not compile, Node tells its own main program where, but not
 * who has called import(). So the modules that the app imports are compiled once more, without being run, in a process of their own.
 */
import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { codeFrame, sourceOf } from './code-frame.js';
import { type ErrorRecord, errorRecord } from './error-record.js';
import { importsOf } from './load-places.js';
import { type Place, readStack } from './stack-frames.js';

const MAX_MODULES = 1000;
const TIMEOUT_MS = 5000;
const SOURCES = /\.([cm]?[jt]s)$/;

/**
 * Compiles the modules named on its standard input, until one fails with the message: Node then prints where. Others fail because they
 * are no ES modules.
 */
const CHECK = `
  const { readFileSync } = require('node:fs');
  const { stripTypeScriptTypes } = require('node:module');
  const { SourceTextModule } = require('node:vm');
  const { modules, message } = JSON.parse(readFileSync(0, 'utf8'));
  for (const path of modules) {
    try {
      const source = readFileSync(path, 'utf8');
      const text = path.endsWith('ts') ? stripTypeScriptTypes(source) : source;
      new SourceTextModule(text, { identifier: path });
    } catch (error) {
      if (error.message === message) throw error;
    }
  }`;

/**
 * The place of a SyntaxError with this message in the app's module, or in a module that it imports; not in packages.
 *
 * @param url of the app's module
 * @returns null where none is found
 */
export async function findSyntaxError(url: string, message: string): Promise<Place | null> {
  if (!url.startsWith('file:')) return null;
  try {
    const modules = modulesOf(realpathSync(fileURLToPath(url)));
    return readStack(await check(modules, message), message).place;
  } catch {
    // The system allows no process, or the module is gone.
    return null;
  }
}

/**
 * The record of a SyntaxError that has no place, with the one that was found.
 *
 * @param url of the module that did not load
 * @returns null for any other error, and where no place is found
 */
export async function locatedRecord(error: unknown, url: string): Promise<ErrorRecord | null> {
  if (!(error instanceof SyntaxError)) return null;
  const record = errorRecord(error);
  if (record.location !== undefined) return null;
  const location = await findSyntaxError(url, record.message);
  if (location === null) return null;
  const frame = codeFrame(location);
  return { ...record, location, ...(frame !== null && { frame }) };
}

/** @returns what the check has printed: nothing, or where a module does not compile */
function check(modules: readonly string[], message: string): Promise<string> {
  const flags = ['--no-warnings', '--experimental-vm-modules', '--input-type=commonjs', '-e', CHECK];
  return new Promise((resolve) => {
    const options = { env: {}, timeout: TIMEOUT_MS, maxBuffer: 1024 * 1024 };
    const child = execFile(process.execPath, flags, options, (_error, _stdout, stderr) => resolve(stderr));
    // It may end before it has read.
    child.stdin!.on('error', () => {}).end(JSON.stringify({ modules, message }));
  });
}

/** The modules that are imported, directly or not, the first included; breadth first. */
function modulesOf(first: string): string[] {
  const found = new Set([first]);
  for (const path of found) {
    const source = sourceOf(path) ?? '';
    for (const { name } of importsOf(source)) {
      const module = resolved(name, path);
      if (module !== null && found.size < MAX_MODULES) found.add(module);
    }
  }
  return [...found].filter((path) => !path.endsWith('.cjs') && !path.endsWith('.cts'));
}

function resolved(name: string, importer: string): string | null {
  try {
    const path = /^[./]|^file:/.test(name)
      ? fileURLToPath(new URL(name, pathToFileURL(importer)))
      : createRequire(importer).resolve(name);
    const real = realpathSync(path);
    return SOURCES.test(real) && !real.includes('/node_modules/') ? real : null;
  } catch {
    // It does not exist, or is a module of Node.
    return null;
  }
}
