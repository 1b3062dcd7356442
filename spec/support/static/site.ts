/** A directory of files for a spec, and requests to it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type StaticOptions, serveFiles } from '../../../lib/static/serve-files.js';

/** When the files were written, unless a spec says otherwise: long ago, so their validators are strong. */
export const MTIME = new Date('2020-02-20T20:20:20.123Z');
export const LAST_MODIFIED = 'Thu, 20 Feb 2020 20:20:20 GMT';

export class Site implements Disposable {
  /** The folder around the root, for what must not be reachable. */
  readonly around: string;
  readonly root: string;

  constructor(files: Record<string, string | Uint8Array> = {}) {
    this.around = realpathSync(mkdtempSync(join(tmpdir(), 'paceline-static-')));
    this.root = join(this.around, 'public');
    mkdirSync(this.root);
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  /** Writes a file below the root, or beside it with `../`. @returns its path */
  write(path: string, content: string | Uint8Array, mtime = MTIME): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    utimesSync(file, mtime, mtime);
    return file;
  }

  /** Serves the root and asks once, with real Request objects. */
  ask(path: string, init: RequestInit = {}, options: StaticOptions = {}): Promise<Response> {
    return ask(this.serve(options), path, init);
  }

  /** A handler that keeps no files open, unless a spec wants that. */
  serve(options: StaticOptions = {}): Handler {
    return serveFiles(this.root, { recheckMs: 0, ...options });
  }

  [Symbol.dispose](): void {
    rmSync(this.around, { recursive: true, force: true });
  }
}

export type Handler = ReturnType<typeof serveFiles>;

export async function ask(serve: Handler, path: string, init: RequestInit = {}): Promise<Response> {
  return serve(new Request(`http://host.test${path}`, init));
}

/** The status of a response; its body is discarded. */
export async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}
