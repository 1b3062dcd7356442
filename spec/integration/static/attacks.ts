/** What must never be served, and what must never block a thread. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, linkSync, mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BAD_PATH, HIDDEN_PATH, targetPath } from '../../../lib/static/target-path.js';
import { openDescriptors } from '../../support/descriptors.js';
import { ask, Site, statusOf } from '../../support/static/site.js';

const SECRET = 'the secret';

/** A site with a secret beside its root, one above it, and hidden ones in it. */
function guarded(): Site {
  const site = new Site({
    'a.txt': 'public',
    'sub/b.txt': 'public too',
    '../secret.txt': SECRET,
    '../public-not/secret.txt': SECRET,
    '.env': SECRET,
    '.git/config': SECRET,
    'sub/.htpasswd': SECRET,
    'sub/.hidden/index.html': SECRET,
    '.well-known/security.txt': 'public',
    '.well-known/.hidden': SECRET,
    'sub/.well-known/x.txt': SECRET,
    '.well-known-not/x.txt': SECRET,
  });
  symlinkSync(join(site.around, 'secret.txt'), join(site.root, 'link.txt'));
  symlinkSync('../secret.txt', join(site.root, 'relative-link.txt'));
  symlinkSync(site.around, join(site.root, 'link'));
  symlinkSync('..', join(site.root, 'up'));
  symlinkSync('/', join(site.root, 'top'));
  symlinkSync('/proc/self/environ', join(site.root, 'environ'));
  return site;
}

/** Paths as a client may write them, and the status of the response to each. */
const ATTACKS: [string, number][] = [
  // The URL parser resolves these, within the root.
  ['/../secret.txt', 404],
  ['/../../../../../../etc/passwd', 404],
  ['/sub/../../secret.txt', 404],
  ['/%2e%2e/secret.txt', 404],
  ['/%2E./secret.txt', 404],
  ['/.%2e/secret.txt', 404],
  ['/..\\secret.txt', 404],
  ['/..\\..\\etc/passwd', 404],
  ['/./../public-not/secret.txt', 404],
  ['/..', 404],
  // Encoded separators.
  ['/..%2fsecret.txt', 400],
  ['/..%2Fsecret.txt', 400],
  ['/%2e%2e%2fsecret.txt', 400],
  ['/..%5csecret.txt', 400],
  ['/sub%2f..%2f..%2fsecret.txt', 400],
  ['/%2fetc/passwd', 400],
  ['/sub%2fb.txt', 400],
  ['/%5c%5chost%5cshare', 400],
  // Encoded twice: a name that no file has.
  ['/%252e%252e/secret.txt', 404],
  ['/%252e%252e%252fsecret.txt', 404],
  ['/..%252fsecret.txt', 404],
  ['/..%25%32%66secret.txt', 404],
  ['/..%255csecret.txt', 404],
  // Invalid UTF-8: overlong slashes and dots, surrogates, beyond U+10FFFF, truncated.
  ['/..%c0%afsecret.txt', 400],
  ['/%c0%ae%c0%ae/secret.txt', 400],
  ['/..%e0%80%afsecret.txt', 400],
  ['/..%f0%80%80%afsecret.txt', 400],
  ['/%ed%a0%80', 400],
  ['/%f4%90%80%80', 400],
  ['/%ff', 400],
  ['/%c3', 400],
  ['/%', 400],
  ['/%2', 400],
  ['/%zz', 400],
  ['/%u002e%u002e/secret.txt', 400],
  // NUL and other control characters.
  ['/a.txt%00', 400],
  ['/a.txt%00.html', 400],
  ['/%00', 400],
  ['/../secret.txt%00.txt', 400],
  ['/a.txt%0a', 404],
  ['/a.txt%0d%0aset-cookie:x', 404],
  // Empty segments, dots and spaces.
  ['//etc/passwd', 404],
  ['//a.txt', 404],
  ['/sub//b.txt', 404],
  ['/sub/', 404],
  ['/a.txt.', 404],
  ['/a.txt%20', 404],
  ['/.../secret.txt', 404],
  ['/....//secret.txt', 404],
  ['/~root', 404],
  ['/a.txt;/../../secret.txt', 404],
  ['/a.txt::$DATA', 404],
  // Dotfiles.
  ['/.env', 404],
  ['/%2eenv', 404],
  ['/.git/config', 404],
  ['/.git', 404],
  ['/sub/.htpasswd', 404],
  ['/sub/.hidden/', 404],
  ['/sub/.hidden', 404],
  ['/.well-known/.hidden', 404],
  ['/sub/.well-known/x.txt', 404],
  ['/.well-known-not/x.txt', 404],
  // Symbolic links.
  ['/link.txt', 404],
  ['/relative-link.txt', 404],
  ['/link/secret.txt', 404],
  ['/link/public/a.txt', 404],
  ['/up/secret.txt', 404],
  ['/up/public/a.txt', 404],
  ['/top/etc/passwd', 404],
  ['/environ', 404],
  // Names that are too long for a file name, for a path, for a URL.
  [`/${'a'.repeat(256)}`, 404],
  [`/${'a/'.repeat(2500)}`, 404],
  [`/${'%61'.repeat(100_000)}`, 404],
];

for (const options of [{}, { followSymlinks: true }]) {
  test(`no path leads out of the root ${JSON.stringify(options)}`, async () => {
    using site = guarded();
    const serve = site.serve(options);
    const before = openDescriptors();
    for (const [path, status] of ATTACKS) {
      const response = await ask(serve, path);
      const text = await response.text();
      const where = path.slice(0, 80);
      assert.not.match(text, SECRET, where);
      // With followSymlinks a link that stays inside the root is served.
      if (options.followSymlinks && path.endsWith('/public/a.txt')) assert.is(text, 'public', where);
      else assert.equal([response.status, response.headers.get('location')], [status, null], where);
    }
    assert.is(openDescriptors(), before);
  });
}

test('paths that no URL parser has seen are refused by themselves', () => {
  const table: [string, string | number][] = [
    ['/a/b', '/a/b'],
    ['/', '/'],
    ['/a/', '/a/'],
    ['/..', BAD_PATH],
    ['/../a', BAD_PATH],
    ['/a/..', BAD_PATH],
    ['/a/./b', BAD_PATH],
    ['/%2e%2e/a', BAD_PATH],
    ['/.%2e', BAD_PATH],
    ['/a\\..\\b', BAD_PATH],
    ['/a\0', BAD_PATH],
    ['', BAD_PATH],
    ['a', BAD_PATH],
    ['a/b', BAD_PATH],
    ['http://x/', BAD_PATH],
    ['//a', HIDDEN_PATH],
    ['/a//', HIDDEN_PATH],
    ['/a//b', HIDDEN_PATH],
    ['/.a', HIDDEN_PATH],
    ['/a/.b/c', HIDDEN_PATH],
    ['/...', HIDDEN_PATH],
    ['/.well-known/x', '/.well-known/x'],
  ];
  for (const [path, expected] of table) assert.is(targetPath(path, false), expected, path);
  assert.is(targetPath('/.a', true), '/.a');
  for (const path of ['/..', '/a/../b', '/.', '/%2e']) assert.is(targetPath(path, true), BAD_PATH, path);
});

test('a redirect never leads to another host', async () => {
  using site = new Site({ 'host.test/index.html': 'x', 'sub/host.test/index.html': 'x' });
  for (const path of [
    '//host.test',
    '///host.test',
    '/\\host.test',
    '/%2fhost.test',
    '/%5chost.test',
    '/\t/host.test',
    '/.//host.test',
    '/sub/..//host.test',
    '//host.test/%2e%2e',
  ]) {
    const location = (await site.ask(path)).headers.get('location');
    assert.is(location, null, path);
  }
  assert.is((await site.ask('/host.test')).headers.get('location'), '/host.test/');
});

test('dotfiles are served where the option says so, and .well-known always', async () => {
  using site = guarded();
  for (const path of ['/.env', '/.git/config', '/sub/.htpasswd', '/.well-known/.hidden']) {
    assert.is(await (await site.ask(path, {}, { dotfiles: true })).text(), SECRET, path);
  }
  assert.is(await (await site.ask('/.well-known/security.txt')).text(), 'public');
  for (const path of ['/..%2fsecret.txt', '/%2e%2e/secret.txt']) {
    assert.not.equal(await statusOf(site.ask(path, {}, { dotfiles: true })), 200);
  }
});

test('symbolic links that stay inside are followed where the option says so', async () => {
  using site = guarded();
  symlinkSync('a.txt', join(site.root, 'inside.txt'));
  symlinkSync(join(site.root, 'sub'), join(site.root, 'inside'));
  symlinkSync('inside', join(site.root, 'twice'));
  symlinkSync('.env', join(site.root, 'env.txt'));
  symlinkSync('sub/.hidden', join(site.root, 'shown'));
  symlinkSync('missing', join(site.root, 'dangling'));
  symlinkSync('circle', join(site.root, 'circle'));
  symlinkSync('../public-not', join(site.root, 'sibling'));
  const table: [string, number][] = [
    ['/inside.txt', 200],
    ['/inside/b.txt', 200],
    ['/twice/b.txt', 200],
    // A link does not bypass the rule for dotfiles.
    ['/env.txt', 404],
    ['/shown/', 404],
    ['/shown', 404],
    ['/dangling', 404],
    ['/circle', 404],
    // A folder whose name begins like the root's.
    ['/sibling/secret.txt', 404],
  ];
  for (const [path, status] of table) {
    assert.is(await statusOf(site.ask(path, {}, { followSymlinks: true })), status, path);
    assert.is(await statusOf(site.ask(path)), 404, path);
  }
  assert.is(await statusOf(site.ask('/env.txt', {}, { followSymlinks: true, dotfiles: true })), 200);
});

test('a compressed sibling that is a link is none, and one that leads out is none ever', async () => {
  using site = guarded();
  symlinkSync('../secret.txt', join(site.root, 'a.txt.br'));
  for (const followSymlinks of [false, true]) {
    const response = await site.ask('/a.txt', { headers: { 'accept-encoding': 'br' } }, { followSymlinks });
    assert.equal([response.headers.get('vary'), await response.text()], [null, 'public']);
  }
});

test('a root that is itself a link is followed once', async () => {
  using site = guarded();
  using other = new Site({ 'a.txt': SECRET });
  const link = join(site.around, 'current');
  symlinkSync(site.root, link);
  const { serveFiles } = await import('../../../lib/static/serve-files.js');
  const serve = serveFiles(link, { recheckMs: 0 });
  assert.is(await (await ask(serve, '/a.txt')).text(), 'public');
  unlinkSync(link);
  symlinkSync(other.root, link);
  assert.is(await (await ask(serve, '/a.txt')).text(), 'public');
});

test('a folder that is swapped for a link out again and again never gives what the link leads to', async () => {
  using site = new Site({ 'sub/file.txt': 'public', '../outside/file.txt': SECRET });
  const folder = join(site.root, 'sub');
  const aside = join(site.around, 'aside');
  const stop = new Int32Array(new SharedArrayBuffer(8));
  const swaps = `
    const { workerData: { folder, aside, outside, stop } } = require('node:worker_threads');
    const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
    while (Atomics.load(stop, 0) === 0) {
      renameSync(folder, aside);
      symlinkSync(outside, folder);
      unlinkSync(folder);
      renameSync(aside, folder);
      Atomics.add(stop, 1, 1);
      Atomics.notify(stop, 1);
    }`;
  const outside = join(site.around, 'outside');
  const worker = new Worker(swaps, { eval: true, workerData: { folder, aside, outside, stop } });
  const exited = once(worker, 'exit');
  Atomics.wait(stop, 1, 0);
  const statuses = new Set<number>();
  for (const options of [{}, { followSymlinks: true }]) {
    const serve = site.serve(options);
    for (let round = 0; round < 3000; round++) {
      const response = await ask(serve, '/sub/file.txt');
      statuses.add(response.status);
      if (response.status === 200) assert.is(await response.text(), 'public');
    }
  }
  Atomics.store(stop, 0, 1);
  await exited;
  assert.ok(statuses.has(404) && Atomics.load(stop, 1) > 1, 'the race was run');
});

test('a file in the cache is let go when its folder was swapped for a link', async () => {
  using site = new Site({ 'sub/file.txt': 'public', '../outside/file.txt': SECRET });
  const serve = site.serve({ recheckMs: 1 });
  assert.is(await (await ask(serve, '/sub/file.txt')).text(), 'public');
  renameSync(join(site.root, 'sub'), join(site.around, 'aside'));
  symlinkSync(join(site.around, 'outside'), join(site.root, 'sub'));
  let status = 0;
  for (const endMs = performance.now() + 20_000; status !== 404 && performance.now() < endMs; ) {
    const response = await ask(serve, '/sub/file.txt');
    status = response.status;
    assert.not.match(await response.text(), SECRET);
  }
  assert.is(status, 404);
});

test('FIFOs, sockets, devices and folders are no files, and no thread waits for them', async () => {
  using site = new Site({ 'folder.txt/x': '' });
  execFileSync('mkfifo', [join(site.root, 'fifo'), join(site.root, 'index.html')]);
  const server = createServer().listen(join(site.root, 'socket'));
  await once(server, 'listening');
  const paths = ['/fifo', '/', '/socket', '/folder.txt/', '/folder.txt'];
  try {
    execFileSync('mknod', [join(site.root, 'zero'), 'c', '1', '5'], { stdio: 'ignore' });
    paths.push('/zero');
  } catch {
    // Only root may make a device.
  }
  const before = openDescriptors();
  for (const path of paths) {
    for (const method of ['GET', 'HEAD']) assert.is(await statusOf(site.ask(path, { method })), 404, path);
  }
  assert.is(openDescriptors(), before);
  server.close();
});

test('what this user may not read is forbidden', async () => {
  using site = new Site({
    'a.txt': 'x',
    'locked.txt': SECRET,
    'closed/a.txt': SECRET,
    'closed/index.html': SECRET,
  });
  chmodSync(site.around, 0o755);
  chmodSync(join(site.root, 'locked.txt'), 0o000);
  chmodSync(join(site.root, 'closed'), 0o000);
  const wasRoot = process.geteuid!() === 0;
  if (wasRoot) process.seteuid!(65_534);
  try {
    for (const path of ['/locked.txt', '/closed/a.txt', '/closed/']) {
      assert.is(await statusOf(site.ask(path)), 403, path);
    }
    assert.is(await statusOf(site.ask('/a.txt')), 200);
  } finally {
    if (wasRoot) process.seteuid!(0);
    chmodSync(join(site.root, 'closed'), 0o755);
  }
});

test('a hard link is a name like any other', async () => {
  using site = guarded();
  mkdirSync(join(site.root, 'hard'));
  linkSync(join(site.root, 'a.txt'), join(site.root, 'hard/a.txt'));
  assert.is(await (await site.ask('/hard/a.txt')).text(), 'public');
});

test('header values of any length and shape take no time to speak of', async () => {
  using site = new Site({ 'a.txt': 'x', 'a.txt.br': 'y' });
  const long = 60_000;
  const values = [
    ' '.repeat(long),
    ','.repeat(long),
    '"'.repeat(long),
    'W/'.repeat(long / 2),
    '"a",'.repeat(long / 4),
    'br;q=0.1,'.repeat(long / 9),
    ';'.repeat(long),
    `bytes=${'9'.repeat(long)}-`,
    `bytes=${'0-1,'.repeat(long / 4)}`,
    `a${' '.repeat(long)}b`,
    `br${'\t '.repeat(long / 2)};q=1`,
  ];
  const names = [
    'accept-encoding',
    'if-match',
    'if-none-match',
    'if-modified-since',
    'if-unmodified-since',
    'if-range',
    'range',
  ];
  const serve = site.serve();
  for (const name of names) {
    for (const value of values) {
      const headers = name === 'if-range' ? { range: 'bytes=0-0', [name]: value } : { [name]: value };
      const startMs = performance.now();
      assert.ok((await statusOf(ask(serve, '/a.txt', { headers }))) < 500);
      // Anything but linear time would take minutes.
      assert.ok(performance.now() - startMs < 5000, name);
    }
  }
});

test.run();
