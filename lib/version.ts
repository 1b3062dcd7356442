import { readFileSync } from 'node:fs';

/** The package's version, from package.json two levels above the compiled file. */
export function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
