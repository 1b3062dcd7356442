/** What the app loader takes as an app, and what it says of everything else. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { type App, type AppStart, loadApp, type OwnListeners } from '../../../lib/thread/app-loader.js';
import { declarationOf } from '../../support/routes/keys.js';

/** A module with this source. */
const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

/** The limits of an http.Server as they are without options. */
const NODE_LIMITS: AppStart['nodeLimits'] = {
  all: {
    maxHeaderSize: 16_384,
    maxRequestsPerSocket: 0,
    headersTimeout: 60_000,
    requestTimeout: 300_000,
    keepAliveTimeout: 5000,
  },
  changed: {},
};
const THREAD = 3;
const OWN_ADDRESS = { host: '127.0.0.1', port: 8080 };

/** Servers of the module that never get to listen. */
const SILENT: OwnListeners = { listening: () => new Promise(() => {}) };

const load = (source: string, listeners = SILENT, nodeLimits = NODE_LIMITS): Promise<App> =>
  loadApp({ number: THREAD, app: moduleOf(source), nodeLimits, ownAddresses: [OWN_ADDRESS] }, listeners);

type HttpApp = Extract<App, { kind: 'fetch' }>;

async function loadHttp(source: string): Promise<HttpApp> {
  const app = await load(source);
  assert.is(app.kind, 'fetch');
  return app as HttpApp;
}

async function refusal(source: string): Promise<PacelineError> {
  try {
    await load(source);
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
  const app = await load('export default { data() {}, routes: { any: 1 } }');
  assert.is(app.kind, 'tcp');
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

test('a module that never listens is refused as soon as nothing is left that could', async () => {
  const waits = load('export const answer = 42');
  // Node emits it when the loop has nothing left.
  setTimeout(() => process.emit('beforeExit', 0));
  await waits.then(
    () => assert.unreachable(),
    ({ code, message }) => {
      assert.is(code, 'PACELINE_APP_SHAPE');
      assert.match(message, /exports no app and does not listen/);
    },
  );
});

test('a Node app may declare its routes beside its export', async () => {
  const nest = '{ init() {}, getHttpServer: () => ({ listen() {} }) }';
  const listening: OwnListeners = { listening: async () => {} };
  const app = await load(`export default ${nest}; export const routes = { blocking: ['/a'] };`, listening);
  assert.is(app.kind, 'listens');
  assert.is(declarationOf((app as Extract<App, { kind: 'listens' }>).routes, 'GET /a')?.name, '/a');
});

test('hooks are of the module and of a fetch app, and init is called with the number of the thread', async () => {
  const hooks = 'init({ thread }) { this.thread = thread; }, close() { return this.thread; }';
  const { app, close } = await loadHttp(
    `export default { ${FETCH}, ${hooks} }; export const close = () => 'of the module';`,
  );
  assert.is((app as { thread?: number }).thread, THREAD);
  const context = { thread: THREAD, signal: new AbortController().signal };
  assert.equal(
    close.map((hook) => hook(context)),
    [THREAD, 'of the module'],
  );
});

test('an init that fails is an error that names the app and the hook', async () => {
  const { code, message, cause } = await refusal(
    `export default { ${FETCH}, async init() { throw new TypeError('no database'); } }`,
  );
  assert.is(code, 'PACELINE_APP_LOAD');
  assert.match(message, /^the app data:.* did not load: its init hook failed: TypeError: no database\b/);
  assert.instance(cause, TypeError);
});

test('the close of a NestJS app is a hook', async () => {
  const listening: OwnListeners = { listening: async () => {} };
  const closesOf = async (app: string) => (await load(`export default ${app}`, listening)).close;
  const nest =
    '{ init() {}, getHttpServer: () => ({ listen() {} }), close() { return this.answer; }, answer: 42 }';
  const [hook, ...others] = await closesOf(nest);
  assert.equal(others, []);
  assert.is(hook!({ thread: THREAD, signal: new AbortController().signal }), 42);
});

test('what an app throws while it gets ready is an error that names the app', async () => {
  const app = "{ use() {}, callback() { throw new Error('no database'); } }";
  const { code, message } = await refusal(`export default ${app}`);
  assert.is(code, 'PACELINE_APP_LOAD');
  assert.match(message, /^the app data:.* did not get ready: Error: no database$/);
});

test.run();
