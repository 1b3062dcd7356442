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
    ['/protocol.js', asset(PROTOCOL)],
    ['/uplot/uPlot.esm.js', asset(resolve('uplot/dist/uPlot.esm.js'))],
    ['/uplot/uPlot.min.css', asset(resolve('uplot/dist/uPlot.min.css'))],
  ]);
  for (const name of readdirSync(PAGE)) {
    if (TYPES[extension(name)] === undefined) continue;
    assets.set(name === 'index.html' ? '/' : `/page/${name}`, asset(PAGE + name));
  }
  return assets;
}

/** Read at the start: later there may be no free descriptor. */
const asset = (path: string): Asset => ({ type: TYPES[extension(path)]!, content: readFileSync(path) });

const extension = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
