/** What the app loader takes as an app, and what it says of everything else. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { type App, loadApp } from '../../../lib/thread/app-loader.js';
import { declarationOf } from '../../support/routes/keys.js';

/** A module with this source. */
const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

type HttpApp = Extract<App, { protocol: 'http' }>;

async function loadHttp(source: string): Promise<HttpApp> {
  const app = await loadApp(moduleOf(source));
  assert.is(app.protocol, 'http');
  return app as HttpApp;
}

async function refusal(source: string): Promise<PacelineError> {
  try {
    await loadApp(moduleOf(source));
  } catch (error) {
    assert.instance(error, PacelineError);
    return error as PacelineError;
  }
  return assert.unreachable('it loads') as never;
}

const FETCH = "fetch: () => 'hello'";

test('an app may declare its routes', async () => {
  for (const source of [
    `export default { ${FETCH}, routes: { blocking: ['/a'] } }`,
    "export const fetch = () => 'hello'; export const routes = { blocking: ['/a'] };",
    `export default new (class { ${FETCH.replace(':', ' =')}; routes = { blocking: ['/a'] } })()`,
  ]) {
    const { routes } = await loadHttp(source);
    assert.is(declarationOf(routes, 'GET /a')?.name, '/a');
  }
});

test('an app that declares nothing has no declared routes, whatever its router calls routes', async () => {
  for (const routes of ['undefined', "[{ path: '/' }]", "{ '/a': () => {} }", '{}'])
    assert.ok((await loadHttp(`export default { ${FETCH}, routes: ${routes} }`)).routes.isEmpty);
  assert.ok((await loadHttp(`export default { ${FETCH} }`)).routes.isEmpty);
});

test('routes of a TCP app are its own matter', async () => {
  const app = await loadApp(moduleOf('export default { data() {}, routes: { any: 1 } }'));
  assert.is(app.protocol, 'tcp');
});

test('malformed declarations are errors that name the app and the mistake', async () => {
  const mistakes: readonly (readonly [routes: string, sentence: RegExp])[] = [
    ["{ nonblocking: ['/a'] }", /has the lists `blocking` and `nonBlocking`, and no `nonblocking`$/],
    ["{ blocking: ['a'] }", /: "a" of `routes` is no pattern: a path begins with "\/"/],
    ["{ blocking: ['/a'], nonBlocking: ['/a'] }", /which is the same pattern$/],
    ["'/a'", /`routes` is an object/],
  ];
  for (const [routes, sentence] of mistakes) {
    const { code, message, cause } = await refusal(`export default { ${FETCH}, routes: ${routes} }`);
    assert.is(code, 'PACELINE_APP_SHAPE');
    assert.match(message, /^the app data:.* does not declare its routes as it should: /);
    assert.match(message, sentence);
    assert.instance(cause, PacelineError);
  }
});

test('routes that cannot be read are an error of the same kind', async () => {
  const { code, message } = await refusal(
    `export default { ${FETCH}, get routes() { throw new Error('not yet') } }`,
  );
  assert.is(code, 'PACELINE_APP_SHAPE');
  assert.match(message, /not yet$/);
});

test('a module without an app is no app, also if it declares routes', async () => {
  const { code, message } = await refusal("export default { routes: { blocking: ['/a'] } }");
  assert.is(code, 'PACELINE_APP_SHAPE');
  assert.match(message, /exports no app/);
});

test.run();
