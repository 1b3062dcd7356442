/** The test files of the suite, and those that are left out, with the reason. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { FILE_READER_FILE, IDL_FILE } from './stand-ins.js';

/** Where the tests of the classes are, in the suite's folder. */
const TESTS = 'fetch/api';

const SERVER = "needs the suite's own server, which answers by scripts";
const WINDOW = 'needs a window with frames';

/** Each is a file, or a beginning of names of files. */
const LEFT_OUT: readonly { readonly files: string; readonly reason: string }[] = [
  { files: 'abort/cache.https.any.js', reason: 'needs the Cache API' },
  { files: 'request/request-cache-', reason: SERVER },
  { files: 'request/request-keepalive.any.js', reason: WINDOW },
  { files: 'request/multi-globals/', reason: WINDOW },
  { files: 'response/response-clone-iframe.window.js', reason: WINDOW },
];

export interface TestFile {
  /** Path in the suite's folder. */
  readonly file: string;
  /** Paths in the suite's folder of the scripts that it needs, in order. */
  readonly scripts: readonly string[];
}

export interface Suite {
  readonly files: readonly TestFile[];
  readonly leftOut: readonly { readonly file: string; readonly reason: string }[];
}

/** @throws when the folder is not a copy of the suite */
export function readSuite(folder: string): Suite {
  const names = readdirSync(join(folder, TESTS), { recursive: true, encoding: 'utf8' });
  const tests = names.filter((name) => /any\.js$|\.window\.js$/.test(name)).sort();
  const reasonOf = (name: string) => LEFT_OUT.find(({ files }) => name.startsWith(files))?.reason;
  const files = tests
    .filter((name) => reasonOf(name) === undefined)
    .map((name) => {
      const file = posix.join(TESTS, name);
      return { file, scripts: scriptsOf(file, readFileSync(join(folder, file), 'utf8')) };
    });
  const idlScripts = ['resources/webidl2/lib/webidl2.js', 'resources/idlharness.js'];
  return {
    files: [...files, { file: IDL_FILE, scripts: idlScripts }],
    leftOut: tests.flatMap((name) => {
      const reason = reasonOf(name);
      return reason === undefined ? [] : [{ file: posix.join(TESTS, name), reason }];
    }),
  };
}

/** The scripts that a file's head names: relative to the file, or to the suite's folder with a slash in front. */
function scriptsOf(file: string, source: string): string[] {
  const named = [...source.matchAll(/^\/\/ META: script=(\S+)/gm)].map(([, script]) =>
    relative('/', join('/', script!.startsWith('/') ? '' : dirname(file), script!)),
  );
  return source.includes('FileReader') ? [FILE_READER_FILE, ...named] : named;
}
