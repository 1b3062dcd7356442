/** Folders with an app, for specs of `paceline dev`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Run } from '../cli/run.js';

const STARTING_AGAIN = / changed: starting again\n/g;

/** A folder whose modules are ES modules. */
export class AppFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'paceline-dev-'));

  constructor(files: Readonly<Record<string, string>>) {
    this.write('package.json', '{ "type": "module" }');
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  /** @returns the path */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs `paceline dev` with an app of the folder, on any port. */
  dev(app: string, ...line: string[]): Run {
    return new Run(
      'dev',
      join(this.path, app),
      '--port',
      '0',
      '--threads',
      '2',
      '--log-format',
      'pretty',
      ...line,
    );
  }

  /** Saves a file. Resolves once nothing serves the version before. */
  async edit(run: Run, name: string, text: string): Promise<void> {
    const before = run.stderr.match(STARTING_AGAIN)?.length ?? 0;
    this.write(name, text);
    await run.printed('stderr', new RegExp(`(?:${STARTING_AGAIN.source}.*){${before + 1}}`, 's'));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
