/**
 * Server-side rendering with Preact: a catalogue of 2,000 products, filtered by `?q=` and sorted by `?sort=`.
 *
 * renderToString() is synchronous: the whole page takes some tens of milliseconds, in which the thread can do nothing else. On
 * one event loop everybody waits that long, also for `/robots.txt`; here the other threads answer.
 */
import { render } from 'preact-render-to-string';
import { Catalogue } from './catalogue.js';
import { products } from './products.js';

const HTML = { 'content-type': 'text/html; charset=utf-8' };

export default {
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/robots.txt') return 'User-agent: *\nAllow: /\n';
    if (pathname !== '/') return new Response('Not found\n', { status: 404 });
    const query = searchParams.get('q') ?? '';
    const sort = searchParams.get('sort') ?? 'name';
    return new Response(`<!doctype html>${render(Catalogue({ products, query, sort }))}`, { headers: HTML });
  },
};
