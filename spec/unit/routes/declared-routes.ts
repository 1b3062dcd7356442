/** Declared routes: which requests a pattern matches, and what is no declaration. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { MAX_ROUTE_NAME_BYTES } from '../../../lib/memory/route-words.js';
import { DeclaredRoutes } from '../../../lib/routes/declared-routes.js';
import { DECLARED_BLOCKING, DECLARED_NON_BLOCKING } from '../../../lib/routes/route-table.js';
import { declarationOf, hashOf } from '../../support/routes/keys.js';
import { range } from '../../support/server/wait.js';

const MATCHES: readonly (readonly [
  pattern: string,
  matching: readonly string[],
  other: readonly string[],
])[] = [
  [
    '/',
    ['GET /', 'POST /', 'GET /?q', 'GET http://a', 'GET http://a?q', 'GET http://a/'],
    ['GET //', 'GET /a', 'OPTIONS *', 'CONNECT a:1'],
  ],
  [
    '/a/b',
    ['GET /a/b', 'PUT /a/b?c', 'GET http://h:1/a/b'],
    ['GET /a/b/', 'GET /a', 'GET /a/bb', 'GET /a/B', 'GET /a/b/c', 'GET a/b', 'GET /x?/a/b'],
  ],
  ['/a/', ['GET /a/'], ['GET /a', 'GET /a//', 'GET /a/b']],
  ['GET /a', ['GET /a', 'HEAD /a'], ['POST /a', 'get /a', 'G /a', 'GETS /a']],
  ['POST /a', ['POST /a'], ['GET /a', 'HEAD /a', 'POS /a']],
  ['M-SEARCH /a', ['M-SEARCH /a'], ['SEARCH /a']],
  ['/u/*', ['GET /u/1', 'GET /u/x.y', 'GET /u/*'], ['GET /u/', 'GET /u', 'GET /u/1/', 'GET /u/1/2']],
  ['/u/:id/o', ['GET /u/1/o', 'GET /u/:id/o'], ['GET /u//o', 'GET /u/1/p', 'GET /u/1/o/']],
  ['/u/1', ['GET /u/1'], ['GET /u/2']],
  ['/f/**', ['GET /f', 'GET /f/', 'GET /f/a', 'GET /f/a/b/', 'GET /f?q'], ['GET /', 'GET /ff', 'GET /g/f']],
  ['/:a/x/**', ['GET /1/x', 'GET /1/x/y'], ['GET //x', 'GET /1', 'GET /1/y']],
  ['/**', ['GET /', 'GET //', 'GET /a/b', 'GET http://a'], ['OPTIONS *', 'CONNECT a:1']],
  ['/a:b/$c', ['GET /a:b/$c'], ['GET /axb/$c']],
  ['/caf%C3%A9', ['GET /caf%C3%A9'], ['GET /caf%c3%a9', 'GET /caf\xc3\xa9']],
];

for (const [pattern, matching, others] of MATCHES) {
  test(`${pattern} matches ${matching}; not ${others}`, () => {
    const routes = new DeclaredRoutes({ blocking: [pattern] });
    for (const request of matching)
      assert.is(declarationOf(routes, request)?.routeClass, DECLARED_BLOCKING, request);
    for (const request of others) assert.is(declarationOf(routes, request), undefined, request);
  });
}

test('what does not block is an exception to what does', () => {
  const routes = new DeclaredRoutes({ blocking: ['/reports/**', '/x'], nonBlocking: ['/reports/:id/name'] });
  assert.is(declarationOf(routes, 'GET /reports/1')?.routeClass, DECLARED_BLOCKING);
  assert.is(declarationOf(routes, 'GET /reports/1/name')?.routeClass, DECLARED_NON_BLOCKING);
  assert.is(declarationOf(routes, 'GET /x')?.name, '/x');
  assert.is(declarationOf(routes, 'GET /y'), undefined);
});

test('requests that folding merges are told apart', () => {
  const routes = new DeclaredRoutes({ blocking: ['/users/1'] });
  assert.is(hashOf('GET /users/1'), hashOf('GET /users/2'));
  assert.ok(declarationOf(routes, 'GET /users/1'));
  assert.is(declarationOf(routes, 'GET /users/2'), undefined);
});

test('all requests of a pattern have one key, which is none of a learned route', () => {
  const routes = new DeclaredRoutes({ blocking: ['GET /a/*', `/${'b'.repeat(200)}`] });
  const [one, two] = [declarationOf(routes, 'GET /a/1')!, declarationOf(routes, 'GET /a/x')!];
  assert.is(one, two);
  assert.is(one.name, 'GET /a/*');
  assert.is.not(one.hash, hashOf('GET /a/1'));
  const long = declarationOf(routes, `GET /${'b'.repeat(200)}`)!;
  assert.is(Buffer.byteLength(long.name), MAX_ROUTE_NAME_BYTES);
});

test('without patterns nothing is declared', () => {
  const declarations = [undefined, {}, { blocking: [] }, { blocking: undefined, nonBlocking: [] }];
  for (const declaration of declarations) {
    const routes = new DeclaredRoutes(declaration);
    assert.ok(routes.isEmpty);
    assert.is(declarationOf(routes, 'GET /'), undefined);
  }
  assert.not(new DeclaredRoutes({ nonBlocking: ['/'] }).isEmpty);
});

test('what other projects call routes is no declaration', () => {
  class Router {
    readonly blocking = 'something else';
  }
  const others = [[], [{ path: '/', method: 'GET' }], () => [], new Map(), new Router(), { '/a': () => {} }];
  for (const other of others) assert.ok(new DeclaredRoutes(other).isEmpty);
});

const MALFORMED: readonly (readonly [what: string, declaration: unknown, sentence: RegExp])[] = [
  ['a string', '/a', /object with the lists/],
  ['null', null, /object with the lists/],
  ['another list', { nonblocking: [] }, /no `nonblocking`/],
  ['a string as a list', { blocking: '/a' }, /`routes\.blocking` is a list of strings/],
  ['a list of something else', { nonBlocking: ['/a', /b/] }, /`routes\.nonBlocking` is a list of strings/],
  ['more patterns than are allowed', { blocking: range(101).map((n) => `/${n}`) }, /more than 100/],
  ['a pattern in both lists', { blocking: ['/a'], nonBlocking: ['/a'] }, /"\/a".* same pattern/],
  ['the same with another name', { blocking: ['/a/:b'], nonBlocking: ['/a/*'] }, /same pattern/],
  ['an empty pattern', { blocking: [''] }, /begins with "\/"/],
  ['a path without slash', { blocking: ['a'] }, /begins with "\/"/],
  ['a URL', { blocking: ['http://a/b'] }, /begins with "\/"/],
  ['a method without path', { blocking: ['GET'] }, /begins with "\/"/],
  ['two spaces', { blocking: ['GET  /a'] }, /begins with "\/"/],
  ['a space behind the path', { blocking: ['/a '] }, /capital letters/],
  ['a query', { blocking: ['/a?b'] }, /without query/],
  ['a fragment', { blocking: ['/a#b'] }, /as a client sends it/],
  ['a letter that is not ASCII', { blocking: ['/café'] }, /percent-encoded/],
  ['a method in small letters', { blocking: ['get /a'] }, /capital letters/],
  ['HEAD', { blocking: ['HEAD /a'] }, /HEAD belongs to GET/],
  ['a star in a segment', { blocking: ['/a*'] }, /segment of its own/],
  ['three stars', { blocking: ['/***'] }, /segment of its own/],
  ['two stars before the end', { blocking: ['/**/a'] }, /last segment/],
  ['two stars and a slash', { blocking: ['/a/**/'] }, /last segment/],
  ['a parameter without name', { blocking: ['/:'] }, /followed by a name/],
  ['an optional parameter', { blocking: ['/:a+'] }, /followed by a name/],
];

for (const [what, declaration, sentence] of MALFORMED) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => new DeclaredRoutes(declaration),
      (error: unknown) =>
        error instanceof PacelineError && error.code === 'PACELINE_APP_SHAPE' && sentence.test(error.message),
    );
  });
}

test('as many patterns as are allowed, in the two lists together', () => {
  const paths = range(100).map((n) => `/p${n}`);
  const routes = new DeclaredRoutes({ blocking: paths.slice(50), nonBlocking: paths.slice(0, 50) });
  assert.is(declarationOf(routes, 'GET /p99')?.routeClass, DECLARED_BLOCKING);
  assert.throws(() => new DeclaredRoutes({ blocking: paths, nonBlocking: ['/x'] }));
});

test.run();
