/** Resolves the `app` option to the URL of the module that each thread imports. */
import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DEMO_APP_URL } from '../demo/app-url.js';
import { PacelineError } from '../errors.js';
import { DIRECTORY_APP_URL } from '../static/directory-app-url.js';
import { optionError, show } from './validate.js';

/**
 * Returns the URL to import for the `app` option. The threads check what the module exports when they load it.
 *
 * @throws PacelineError `PACELINE_OPTION` for a value that names no app, `PACELINE_APP_LOAD` where there is no such file
 */
export function resolveApp(value: unknown): string {
  if (value === undefined) return DEMO_APP_URL.href;
  if (!(value instanceof URL) && (typeof value !== 'string' || value === '')) {
    throw optionError(`app must be the path or the URL of a module or a directory, not ${show(value)}`);
  }
  const url = appUrl(value);
  if (url.protocol === 'data:') return url.href;
  if (url.protocol !== 'file:') {
    throw optionError(`app must be a path, or a URL that begins with file: or data:, not ${show(url.href)}`);
  }
  const path = filePath(url);
  return statusOf(path).isDirectory() ? directoryApp(path) : url.href;
}

function directoryApp(path: string): string {
  const url = new URL(DIRECTORY_APP_URL);
  url.searchParams.set('root', path);
  return url.href;
}

function appUrl(value: string | URL): URL {
  if (value instanceof URL) return value;
  // At least two letters before the colon and no path separator: `file:///x` is a URL, `./a:b.js` is a path.
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(value) && URL.canParse(value);
  return isUrl ? new URL(value) : pathToFileURL(resolve(value));
}

function filePath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw optionError(`app must be the URL of a file on this machine, not ${show(url.href)}`, { cause });
  }
}

function statusOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `there is no app at ${path}; name the file of a module, or a directory`
        : `the app at ${path} cannot be looked at (${code}); name a file that this user may read`;
    throw new PacelineError('PACELINE_APP_LOAD', message, { cause });
  }
}
