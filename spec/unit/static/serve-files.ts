import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { MAX_OPEN_FILES } from '../../../lib/static/open-file-cache.js';
import { type StaticOptions, serveFiles } from '../../../lib/static/serve-files.js';
import { FileBody } from '../../../lib/web/file-body.js';
import { createRequest } from '../../../lib/web/light-request.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';
import { toOutgoing } from '../../../lib/web/to-outgoing.js';
import { openDescriptors } from '../../support/descriptors.js';
import { ask, LAST_MODIFIED, MTIME, Site, statusOf } from '../../support/static/site.js';

const TEXT = 'abcdefghijklmnopqrstuvwxyz';

test('a file is answered with its bytes, its type and its validators', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const response = await site.ask('/letters.txt?v=1#part');
  assert.is(response.status, 200);
  assert.equal(
    [...response.headers],
    [
      ['accept-ranges', 'bytes'],
      ['cache-control', 'no-cache'],
      ['content-type', 'text/plain; charset=utf-8'],
      ['etag', response.headers.get('etag')!],
      ['last-modified', LAST_MODIFIED],
      ['x-content-type-options', 'nosniff'],
    ],
  );
  assert.match(response.headers.get('etag')!, /^"[\w-]+"$/);
  assert.is(await response.text(), TEXT);
});

test('what leaves for the connection is a file, not its bytes', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const outgoing = toOutgoing(
    await site.ask('/letters.txt', { headers: { range: 'bytes=3-5' } }),
  ) as Outgoing;
  const { body, contentLength, status } = outgoing;
  assert.instance(body, FileBody);
  const { start, end, fd } = body as FileBody;
  assert.equal([status, contentLength, start, end, fd >= 0], [206, 3, 3, 6, true]);
  (body as FileBody).close();
});

test('an empty file is a file', async () => {
  using site = new Site({ 'empty.css': '' });
  for (const range of ['bytes=0-', 'bytes=-5', 'bytes=7-9']) {
    const response = await site.ask('/empty.css', { headers: { range } });
    assert.equal([response.status, await response.text()], [200, '']);
  }
});

test('the type follows from the last extension, and text is UTF-8', async () => {
  const types: [string, string][] = [
    ['a.html', 'text/html; charset=utf-8'],
    ['a.HTML', 'text/html; charset=utf-8'],
    ['a.css', 'text/css; charset=utf-8'],
    ['a.js', 'text/javascript; charset=utf-8'],
    ['a.mjs', 'text/javascript; charset=utf-8'],
    ['a.json', 'application/json'],
    ['a.webmanifest', 'application/manifest+json'],
    ['a.wasm', 'application/wasm'],
    ['a.svg', 'image/svg+xml'],
    ['a.png', 'image/png'],
    ['a.avif', 'image/avif'],
    ['a.woff2', 'font/woff2'],
    ['a.mp4', 'video/mp4'],
    ['a.pdf', 'application/pdf'],
    ['a.tar.gz', 'application/gzip'],
    ['a.min.js.txt', 'text/plain; charset=utf-8'],
    ['a.unknown-extension', 'application/octet-stream'],
    ['html', 'application/octet-stream'],
    ['LICENSE', 'application/octet-stream'],
    ['trailing.', 'application/octet-stream'],
    ['x.constructor', 'application/octet-stream'],
    ['dir.html/file', 'application/octet-stream'],
  ];
  using site = new Site(Object.fromEntries(types.map(([path]) => [path, 'x'])));
  for (const [path, type] of types) {
    const response = await site.ask(`/${path}`);
    assert.is(response.headers.get('content-type'), type, path);
    assert.is(await response.text(), 'x');
  }
});

test('names may hold what a URL must encode', async () => {
  const names = [
    'with space.txt',
    'a+b&c=d.txt',
    '100%.txt',
    '\u00e4\u20ac\u{1f6b4}.txt',
    'quote\'".txt',
    'a;b,c.txt',
    'line\nend.txt',
    '~a.txt',
    '%2e%2e',
  ];
  using site = new Site(Object.fromEntries(names.map((name) => [name, name])));
  for (const name of names) {
    assert.is(await (await site.ask(`/${encodeURIComponent(name)}`)).text(), name);
  }
});

test('a directory is answered with its index', async () => {
  using site = new Site({ 'index.html': '<p>top', 'sub/index.html': '<p>sub' });
  for (const [path, text] of [
    ['/', '<p>top'],
    ['/?q', '<p>top'],
    ['/sub/', '<p>sub'],
    ['/index.html', '<p>top'],
  ] as const) {
    const response = await site.ask(path);
    assert.is(response.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.is(await response.text(), text);
  }
});

test('a directory without its slash is redirected to where relative links work, with the query', async () => {
  using site = new Site({ 'sub/index.html': 'x', 'a b/index.html': 'y', 'plain/file.txt': 'z' });
  for (const [path, location] of [
    ['/sub', '/sub/'],
    ['/sub?a=/b?c#d', '/sub/?a=/b?c'],
    ['/a%20b', '/a%20b/'],
  ] as const) {
    const response = await site.ask(path);
    assert.equal([response.status, response.headers.get('location')], [301, location]);
    assert.is(response.body, null);
  }
  // Without an index there is nothing to redirect to.
  for (const path of ['/plain', '/plain/', '/']) assert.is(await statusOf(site.ask(path)), 404, path);
});

test('a slash after the name of a file makes it another path', async () => {
  using site = new Site({ 'a.txt': 'x', 'index.html/keep': '' });
  for (const path of ['/a.txt/', '/a.txt/b', '/', '/index.html'])
    assert.is(await statusOf(site.ask(path)), 404, path);
});

test('HEAD says what GET says', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const get = toOutgoing(await site.ask('/letters.txt')) as Outgoing;
  const head = toOutgoing(
    await site.ask('/letters.txt', { method: 'HEAD', headers: { range: 'bytes=0-1' } }),
  ) as Outgoing;
  assert.equal([head.status, head.headers, head.contentLength], [get.status, get.headers, get.contentLength]);
  for (const { body } of [get, head]) (body as FileBody).close();
});

test('OPTIONS tells the methods, and every other one is refused with them', async () => {
  using site = new Site({ 'a.txt': 'x' });
  for (const [method, status] of [
    ['OPTIONS', 204],
    ['POST', 405],
    ['PUT', 405],
    ['DELETE', 405],
    ['PATCH', 405],
    ['PROPFIND', 405],
  ] as const) {
    for (const path of ['/a.txt', '/missing']) {
      const response = await site.ask(path, { method });
      assert.equal([response.status, response.headers.get('allow')], [status, 'GET, HEAD, OPTIONS'], method);
    }
  }
});

test('a part of a file is answered with where it lies', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const parts: [string, string, string][] = [
    ['bytes=0-0', 'a', 'bytes 0-0/26'],
    ['bytes=2-4', 'cde', 'bytes 2-4/26'],
    ['bytes=20-', 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=20-99', 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=-2', 'yz', 'bytes 24-25/26'],
    ['bytes=-99', TEXT, 'bytes 0-25/26'],
    ['bytes=0-', TEXT, 'bytes 0-25/26'],
    ['Bytes= 1-2 ', 'bc', 'bytes 1-2/26'],
  ];
  for (const [range, text, contentRange] of parts) {
    const response = await site.ask('/letters.txt', { headers: { range } });
    assert.equal([response.status, response.headers.get('content-range')], [206, contentRange], range);
    assert.is(response.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.is(await response.text(), text);
  }
});

test('ranges that there are none of are answered with the size', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const huge = '9'.repeat(400);
  for (const range of ['bytes=26-', 'bytes=26-30', 'bytes=-0', `bytes=${huge}-`, `bytes=${huge}-${huge}`]) {
    const response = await site.ask('/letters.txt', { headers: { range } });
    assert.equal([response.status, response.headers.get('content-range')], [416, 'bytes */26'], range);
    assert.is(response.headers.get('accept-ranges'), null);
    await response.text();
  }
});

test('several ranges and ranges that are none give the whole file', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  for (const range of [
    'bytes=0-1,3-4',
    'bytes=0-1, 99-',
    'lines=1-2',
    'bytes=5-3',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes 0-1',
    'bytes=0-1;x',
    'bytes=1.5-2',
    'bytes=+1-2',
    'bytes=0x1-2',
    '0-1',
  ]) {
    const response = await site.ask('/letters.txt', { headers: { range } });
    assert.equal(
      [response.status, response.headers.get('content-range'), await response.text()],
      [200, null, TEXT],
      range,
    );
  }
});

test('If-Range lets a range count for the same content only', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const etag = (await site.ask('/letters.txt', { method: 'HEAD' })).headers.get('etag')!;
  for (const ifRange of [etag, LAST_MODIFIED]) {
    const headers = { range: 'bytes=0-1', 'if-range': ifRange };
    assert.is(await statusOf(site.ask('/letters.txt', { headers })), 206, ifRange);
  }
  for (const ifRange of [
    `W/${etag}`,
    '"other"',
    'Thu, 20 Feb 2020 20:20:21 GMT',
    'Fri, 21 Feb 2020 20:20:20 GMT',
    'nonsense',
    '*',
    '',
  ]) {
    const headers = { range: 'bytes=0-1', 'if-range': ifRange };
    assert.is(await statusOf(site.ask('/letters.txt', { headers })), 200, ifRange);
  }
  // Even if no byte is in the range: the client must get the new content, not an error.
  assert.is(
    await statusOf(site.ask('/letters.txt', { headers: { range: 'bytes=99-', 'if-range': '"x"' } })),
    200,
  );
});

test('a client that has the file is told so', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const etag = (await site.ask('/letters.txt', { method: 'HEAD' })).headers.get('etag')!;
  const same: Record<string, string>[] = [
    { 'if-none-match': etag },
    { 'if-none-match': `W/${etag}` },
    { 'if-none-match': `"a,b", W/"x" ,${etag}` },
    { 'if-none-match': '*' },
    { 'if-none-match': etag, 'if-modified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' },
    { 'if-none-match': etag, range: 'bytes=0-1' },
    { 'if-modified-since': LAST_MODIFIED },
    { 'if-modified-since': 'Thu, 20 Feb 2020 20:20:21 GMT' },
    { 'if-modified-since': 'Thursday, 20-Feb-20 20:20:20 GMT' },
    { 'if-modified-since': 'Thu Feb 20 20:20:20 2020' },
    { 'if-match': etag, 'if-none-match': etag },
  ];
  for (const headers of same) {
    for (const method of ['GET', 'HEAD']) {
      const response = await site.ask('/letters.txt', { method, headers });
      assert.is(response.status, 304, JSON.stringify(headers));
      assert.is(response.body, null);
      assert.equal([...response.headers.keys()], ['cache-control', 'etag']);
      assert.is(response.headers.get('etag'), etag);
    }
  }
});

test('a client that has something else gets the file', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const other: Record<string, string>[] = [
    { 'if-none-match': '"other"' },
    { 'if-none-match': '"*"' },
    { 'if-none-match': '' },
    { 'if-none-match': '"other"', 'if-modified-since': LAST_MODIFIED },
    { 'if-modified-since': 'Thu, 20 Feb 2020 20:20:19 GMT' },
    { 'if-modified-since': '2021-01-01T00:00:00Z' },
    { 'if-modified-since': 'Fri, 01 Jan 2021 00:00:00 +0000' },
    { 'if-modified-since': 'tomorrow' },
    { 'if-modified-since': '' },
    { 'if-match': '*' },
    { 'if-unmodified-since': LAST_MODIFIED },
    { 'if-unmodified-since': 'nonsense' },
  ];
  for (const headers of other) {
    assert.is(await statusOf(site.ask('/letters.txt', { headers })), 200, JSON.stringify(headers));
  }
});

test('a client that insists on other content is refused', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  const etag = (await site.ask('/letters.txt', { method: 'HEAD' })).headers.get('etag')!;
  const refused: Record<string, string>[] = [
    { 'if-match': '"other"' },
    { 'if-match': `W/${etag}` },
    { 'if-match': '"other"', 'if-none-match': etag },
    { 'if-unmodified-since': 'Thu, 20 Feb 2020 20:20:19 GMT' },
    { 'if-unmodified-since': 'Thu, 20 Feb 2020 20:20:19 GMT', range: 'bytes=0-1' },
  ];
  for (const headers of refused) {
    assert.is(await statusOf(site.ask('/letters.txt', { headers })), 412, JSON.stringify(headers));
  }
  const headers = { 'if-match': etag, 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' };
  assert.is(await statusOf(site.ask('/letters.txt', { headers })), 200);
});

test('validators are weak as long as a file is new, and so are never used for ranges', async () => {
  using site = new Site();
  site.write('new.txt', TEXT, new Date());
  const serve = site.serve();
  const { headers } = await ask(serve, '/new.txt', { method: 'HEAD' });
  const etag = headers.get('etag')!;
  assert.match(etag, /^W\/"[\w-]+"$/);
  assert.is(await statusOf(ask(serve, '/new.txt', { headers: { 'if-none-match': etag } })), 304);
  for (const ifRange of [etag, etag.slice(2), headers.get('last-modified')!]) {
    const init = { headers: { range: 'bytes=0-1', 'if-range': ifRange } };
    assert.is(await statusOf(ask(serve, '/new.txt', init)), 200);
  }
  assert.is(await statusOf(ask(serve, '/new.txt', { headers: { 'if-match': etag.slice(2) } })), 412);
});

test('a time that has not come yet, or was before 1970, is not sent', async () => {
  using site = new Site();
  site.write('future.txt', 'x', new Date(Date.now() + 1e9));
  site.write('past.txt', 'x', new Date(-1e9));
  const future = await site.ask('/future.txt', { method: 'HEAD' });
  assert.ok(Date.parse(future.headers.get('last-modified')!) <= Date.now());
  const past = await site.ask('/past.txt', { method: 'HEAD' });
  assert.is(past.headers.get('last-modified'), 'Thu, 01 Jan 1970 00:00:00 GMT');
});

test('the entity tag changes with the size and with the time', async () => {
  using site = new Site({ 'a.txt': 'one' });
  const etag = async () => (await site.ask('/a.txt', { method: 'HEAD' })).headers.get('etag');
  const seen = new Set([await etag(), await etag()]);
  assert.is(seen.size, 1);
  site.write('a.txt', 'longer');
  seen.add(await etag());
  site.write('a.txt', 'LONGER', new Date(MTIME.getTime() + 1));
  seen.add(await etag());
  assert.is(seen.size, 3);
});

const BR = 'compressed by br';
const GZ = 'compressed by gzip';

async function coding(site: Site, path: string, accept: string | null, more = {}): Promise<string> {
  const response = await site.ask(path, {
    headers: accept === null ? more : { 'accept-encoding': accept, ...more },
  });
  const name = response.headers.get('content-encoding') ?? 'plain';
  assert.is(await response.text(), { plain: TEXT, br: BR, gzip: GZ }[name]);
  assert.is(response.headers.get('content-type'), 'text/javascript; charset=utf-8');
  return name;
}

test('a compressed sibling goes to clients that accept it', async () => {
  using site = new Site({ 'a.js': TEXT, 'a.js.br': BR, 'a.js.gz': GZ });
  const table: [string | null, string][] = [
    [null, 'plain'],
    ['', 'plain'],
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['br;q=0.001', 'br'],
    ['br;q=0', 'plain'],
    ['br;q=0.000, gzip;q=0.0', 'plain'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['*;q=0', 'plain'],
    ['*;q=0, gzip', 'gzip'],
    ['identity', 'plain'],
    ['identity;q=0.5, br;q=0.2, gzip;q=0.7', 'gzip'],
    ['identity, br;q=0.5', 'plain'],
    ['identity;q=0', 'plain'],
    ['identity;q=0, br', 'br'],
    ['deflate, zstd', 'plain'],
    ['br ; Q=0.5 , gzip;q=0.4', 'br'],
    ['br;q=1.1', 'plain'],
    ['br;q=-1', 'plain'],
    ['br;q=0.1234', 'plain'],
    ['br;level=5', 'plain'],
    ['brr, gzipp', 'plain'],
    [',,br,,', 'br'],
  ];
  for (const [accept, name] of table) assert.is(await coding(site, '/a.js', accept), name, String(accept));
});

test('one sibling alone is enough', async () => {
  using site = new Site({ 'a.js': TEXT, 'a.js.gz': GZ, 'b.js': TEXT, 'b.js.br': BR });
  assert.is(await coding(site, '/a.js', 'br, gzip'), 'gzip');
  assert.is(await coding(site, '/a.js', 'br'), 'plain');
  assert.is(await coding(site, '/b.js', 'br, gzip'), 'br');
});

test('answers vary by what is accepted exactly where there is a choice', async () => {
  using site = new Site({ 'a.js': TEXT, 'a.js.br': BR, 'b.js': TEXT });
  for (const accept of ['br', 'identity', 'gzip']) {
    const headers = { 'accept-encoding': accept };
    assert.is((await site.ask('/a.js', { method: 'HEAD', headers })).headers.get('vary'), 'accept-encoding');
    assert.is((await site.ask('/b.js', { method: 'HEAD', headers })).headers.get('vary'), null);
  }
  const headers = { 'if-none-match': '*' };
  assert.is((await site.ask('/a.js', { headers })).headers.get('vary'), 'accept-encoding');
});

test('each coding has a tag of its own, and its ranges are those of the compressed bytes', async () => {
  using site = new Site({ 'a.js': TEXT, 'a.js.br': BR, 'a.js.gz': TEXT });
  const tags = new Map<string, string>();
  for (const accept of ['identity', 'br', 'gzip']) {
    const { headers } = await site.ask('/a.js', { method: 'HEAD', headers: { 'accept-encoding': accept } });
    tags.set(accept, headers.get('etag')!);
  }
  assert.is(new Set(tags.values()).size, 3);
  const range = { range: 'bytes=0-9', 'accept-encoding': 'br' };
  const part = await site.ask('/a.js', { headers: { ...range, 'if-range': tags.get('br')! } });
  assert.equal(
    [part.status, part.headers.get('content-range'), part.headers.get('content-encoding')],
    [206, `bytes 0-9/${BR.length}`, 'br'],
  );
  assert.is(await part.text(), BR.slice(0, 10));
  // The client has the beginning of the plain file.
  assert.is(
    await statusOf(site.ask('/a.js', { headers: { ...range, 'if-range': tags.get('identity')! } })),
    200,
  );
  const gzip = { 'accept-encoding': 'gzip', 'if-none-match': tags.get('identity')! };
  assert.is(await statusOf(site.ask('/a.js', { headers: gzip })), 200);
});

test('siblings are left alone where the option says so, and a sibling without its file is a file of its own', async () => {
  using site = new Site({ 'a.js': TEXT, 'a.js.br': BR, 'b.js.gz': GZ });
  const headers = { 'accept-encoding': 'br, gzip' };
  const response = await site.ask('/a.js', { headers }, { precompressed: false });
  assert.equal([response.headers.get('vary'), await response.text()], [null, TEXT]);
  assert.is(await statusOf(site.ask('/b.js', { headers })), 404);
  const itself = await site.ask('/b.js.gz', { headers });
  assert.equal(
    [itself.headers.get('content-type'), itself.headers.get('content-encoding')],
    ['application/gzip', null],
  );
  await itself.text();
});

test('a sibling that is a directory is none', async () => {
  using site = new Site({ 'a.js': TEXT, 'a.js.br/x': '' });
  assert.is(await coding(site, '/a.js', 'br'), 'plain');
});

test('how long clients may keep a file is for the options to say', async () => {
  using site = new Site({ 'a.txt': 'x' });
  const table: [StaticOptions, string][] = [
    [{}, 'no-cache'],
    [{ maxAge: 0 }, 'max-age=0'],
    [{ maxAge: 3600 }, 'max-age=3600'],
    [{ maxAge: 31_536_000, immutable: true }, 'max-age=31536000, immutable'],
  ];
  for (const [options, value] of table) {
    const response = await site.ask('/a.txt', { method: 'HEAD' }, options);
    assert.is(response.headers.get('cache-control'), value);
  }
});

test('with a prefix, only paths below it are served, and redirects keep it', async () => {
  using site = new Site({ 'a.txt': 'x', 'index.html': 'top', 'sub/index.html': 'sub' });
  const options = { prefix: '/static/v1' };
  assert.is(await (await site.ask('/static/v1/a.txt', {}, options)).text(), 'x');
  assert.is(await (await site.ask('/static/v1/', {}, options)).text(), 'top');
  assert.is((await site.ask('/static/v1/sub', {}, options)).headers.get('location'), '/static/v1/sub/');
  for (const path of [
    '/a.txt',
    '/static/v1',
    '/static/v11/a.txt',
    '/static/v1a.txt',
    '/static/v1//a.txt',
    '/static/v1/../a.txt',
  ]) {
    assert.is(await statusOf(site.ask(path, {}, options)), 404, path);
  }
});

test('what is not found can be answered by the app', async () => {
  using site = new Site({ 'index.html': '<p>app', 'a.txt': 'x', '.hidden': 'h' });
  const page = site.serve();
  const serve = site.serve({ notFound: (request) => page(new Request(new URL('/', request.url), request)) });
  for (const path of ['/some/route', '/.hidden', '/missing.js']) {
    const response = await ask(serve, path);
    assert.equal([response.status, await response.text()], [200, '<p>app'], path);
  }
  assert.is(await (await ask(serve, '/a.txt')).text(), 'x');
  assert.is(await statusOf(ask(serve, '/%zz')), 400);
  assert.is(await statusOf(ask(serve, '/missing', { method: 'POST' })), 405);
  const later = site.serve({ notFound: async () => new Response('later', { status: 410 }) });
  assert.is(await statusOf(ask(later, '/missing')), 410);
});

test('refusals are plain sentences that no browser takes for a page', async () => {
  using site = new Site();
  const response = await site.ask('/<script>alert(1)</script>');
  assert.equal([response.status, await response.text()], [404, 'Not Found\n']);
  assert.is(response.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.is(response.headers.get('x-content-type-options'), 'nosniff');
});

test('the root may be a path or a URL', async () => {
  using site = new Site({ 'a.txt': 'x' });
  for (const root of [site.root, `${site.root}/`, pathToFileURL(site.root), pathToFileURL(`${site.root}/`)]) {
    assert.is(await statusOf(ask(serveFiles(root), '/a.txt')), 200);
  }
  assert.is(await statusOf(ask(serveFiles('/'), `${site.root}/a.txt`)), 200);
});

test('options that cannot be are refused by name', () => {
  using site = new Site({ 'a.txt': 'x' });
  const refused = (root: unknown, options: unknown, message: RegExp): void => {
    try {
      serveFiles(root as string, options as StaticOptions);
    } catch (error) {
      assert.instance(error, PacelineError);
      assert.is((error as PacelineError).code, 'PACELINE_OPTION');
      assert.match((error as PacelineError).message, message);
      return;
    }
    assert.unreachable(`${JSON.stringify(options)} was taken`);
  };
  refused('', {}, /^the root must be the path or the file: URL of a directory, not ""/);
  refused(undefined, {}, /^the root must be /);
  refused(join(site.root, 'missing'), {}, /cannot be served: open failed with ENOENT/);
  refused(join(site.root, 'a.txt'), {}, /cannot be served: open failed with ENOTDIR/);
  refused(new URL('http://host.test/'), {}, /cannot be served/);
  refused(site.root, null, /^the options must be an object/);
  refused(site.root, { maxage: 1 }, /^there is no option of serveFiles "maxage"; did you mean maxAge\?$/);
  for (const maxAge of [-1, 1.5, '60', 31_536_001])
    refused(site.root, { maxAge }, /^maxAge must be a whole number/);
  for (const recheckMs of [-1, 60_001, '1'])
    refused(site.root, { recheckMs }, /^recheckMs must be a whole number/);
  refused(site.root, { immutable: true }, /^immutable needs maxAge/);
  for (const name of ['dotfiles', 'followSymlinks', 'precompressed', 'immutable']) {
    refused(site.root, { [name]: 'yes' }, new RegExp(`^${name} must be true or false`));
  }
  for (const prefix of ['a', '/a/', '/', '//a', '/a?b', 3]) refused(site.root, { prefix }, /^prefix must be/);
  refused(site.root, { notFound: new Response() }, /^notFound must be a function/);
});

test('a request as it comes from a connection is read without its Headers, until a handler has them', async () => {
  using site = new Site({ 'letters.txt': TEXT, 'letters.txt.gz': GZ });
  const fields =
    'Host: host.test\r\nRANGE:bytes=0-1\r\nAccept-Encoding: br\r\naccept-encoding: \tgzip \t\r\nx-range: bytes=5-6\r\n';
  const text = `GET /letters.txt HTTP/1.1\r\n${fields}\r\n`;
  const targetEnd = 'GET /letters.txt'.length;
  const hostStart = text.indexOf('host.test');
  const request = createRequest(
    {
      text,
      methodEnd: 3,
      targetStart: 4,
      targetEnd,
      headersStart: targetEnd + 11,
      hostStart,
      hostEnd: hostStart + 9,
      fallbackHost: 'x',
    },
    null,
  );
  const serve = site.serve();
  const part = await serve(request);
  assert.equal(
    [part.status, part.headers.get('content-encoding'), await part.text()],
    [206, 'gzip', GZ.slice(0, 2)],
  );
  request.headers.delete('range');
  request.headers.delete('accept-encoding');
  const whole = await serve(request);
  assert.equal([whole.status, await whole.text()], [200, TEXT]);
});

// ---- files that stay open -----------------------------------------------------------------------------------------------

/** Longer than any spec runs. */
const recheckMs = 60_000;

test('a file that is asked for again is not opened again', async () => {
  using site = new Site({ 'a.txt': 'x', 'a.txt.br': 'y' });
  const serve = site.serve({ recheckMs });
  assert.is(await (await ask(serve, '/a.txt')).text(), 'x');
  const before = openDescriptors();
  rmSync(join(site.root, 'a.txt'));
  assert.is(await (await ask(serve, '/a.txt')).text(), 'x');
  assert.is(openDescriptors(), before);
});

test('a file that was written to is noticed at once', async () => {
  using site = new Site({ 'a.txt': 'before' });
  const serve = site.serve({ recheckMs });
  const etag = (await ask(serve, '/a.txt', { method: 'HEAD' })).headers.get('etag');
  for (const [index, text] of ['after', 'AFTER', ''].entries()) {
    writeFileSync(join(site.root, 'a.txt'), text);
    utimesSync(join(site.root, 'a.txt'), MTIME, new Date(MTIME.getTime() + index + 1));
    const response = await ask(serve, '/a.txt');
    assert.is.not(response.headers.get('etag'), etag);
    assert.is(await response.text(), text);
  }
});

test('without time in the cache a file that was replaced is noticed at once', async () => {
  using site = new Site({ 'a.txt': 'before', 'b.txt': 'behind' });
  const serve = site.serve();
  assert.is(await (await ask(serve, '/a.txt')).text(), 'before');
  renameSync(join(site.root, 'b.txt'), join(site.root, 'a.txt'));
  assert.is(await (await ask(serve, '/a.txt')).text(), 'behind');
});

test('no more files stay open than the cache has places', async () => {
  const names = Array.from({ length: MAX_OPEN_FILES + 20 }, (_, index) => `${index}.txt`);
  using site = new Site(Object.fromEntries(names.map((name) => [name, name])));
  const before = openDescriptors();
  const serve = site.serve({ recheckMs });
  for (const name of names) assert.is(await (await ask(serve, `/${name}`)).text(), name);
  // Fewer if the collector closes files of other tests meanwhile.
  assert.ok(openDescriptors() <= before + MAX_OPEN_FILES);
});

test('nothing stays open that was served and sent', async () => {
  using site = new Site({ 'a.js': TEXT, 'a.js.br': BR, 'sub/index.html': 'x', 'plain/x': '' });
  const before = openDescriptors();
  const serve = site.serve();
  const inits: RequestInit[] = [
    {},
    { method: 'HEAD' },
    { method: 'POST' },
    { headers: { range: 'bytes=1-2' } },
    { headers: { range: 'bytes=99-' } },
    { headers: { 'if-none-match': '*' } },
    { headers: { 'if-match': '"x"' } },
    { headers: { 'accept-encoding': 'br' } },
  ];
  for (const path of ['/a.js', '/sub', '/sub/', '/plain', '/missing', '/%']) {
    for (const init of inits) {
      const { body } = toOutgoing(await ask(serve, path, init)) as Outgoing;
      if (body instanceof FileBody) body.close();
    }
  }
  assert.is(openDescriptors(), before);
});

test.run();
