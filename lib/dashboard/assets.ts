/**
 * The files that the dashboard serves: an allow-list, read when the server starts. A path is only looked up in it and never
 * resolved, so there is no traversal to guard against.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly type: string;
  readonly content: Buffer;
}

const PAGE = fileURLToPath(new URL('./page/', import.meta.url));
const PROTOCOL = fileURLToPath(new URL('./protocol.js', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
};

/** The files by the path of their URLs. */
export function findAssets(): ReadonlyMap<string, Asset> {
  const { resolve } = createRequire(import.meta.url);
  const assets = new Map<string, Asset>([
    ...pageAssets('/'),
    ['/uplot/uPlot.esm.js', asset(resolve('uplot/dist/uPlot.esm.js'))],
    ['/uplot/uPlot.min.css', asset(resolve('uplot/dist/uPlot.min.css'))],
  ]);
  assets.set('/', assets.get('/page/index.html')!);
  assets.delete('/page/index.html');
  return assets;
}

/** The page's own files and the protocol, below `root`, which ends in a slash. */
export function pageAssets(root: string): Map<string, Asset> {
  return new Map([[`${root}protocol.js`, asset(PROTOCOL)], ...filesOf(PAGE, `${root}page/`)]);
}

/** The files of a folder that browsers load, below `root`. */
export function filesOf(folder: string, root: string): [path: string, Asset][] {
  const names = readdirSync(folder).filter((name) => TYPES[extension(name)] !== undefined);
  return names.map((name) => [root + name, asset(folder + name)]);
}

/** Read at the start: later there may be no free descriptor. */
export const asset = (path: string): Asset => ({
  type: TYPES[extension(path)]!,
  content: readFileSync(path),
});

const extension = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
