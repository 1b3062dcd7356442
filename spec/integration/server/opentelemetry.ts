/** OpenTelemetry's server spans of a fetch app. Those of Node servers: spec/integration/node/opentelemetry.ts. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { installed } from '../../support/server/installed.js';
import { NodeProgram, type ProgramOptions } from '../../support/server/node-program.js';
import { range } from '../../support/server/wait.js';
import {
  CALLER,
  ERROR,
  type Span,
  TRACE,
  TRACEPARENT,
  UNSET,
  Upstream,
} from '../../support/telemetry/opentelemetry.js';

type Ids = Pick<Span, 'traceId' | 'spanId'>;

const folder = installed('spec/fixtures/opentelemetry');
if (folder === null) console.log('\nskipped: OpenTelemetry could not be installed');
const given = folder === null ? test.skip : test;

const upstream = new Upstream();
test.before(() => upstream.listen());
test.after(() => upstream.close());

function start(file: string, options: ProgramOptions = {}): Promise<NodeProgram> {
  const env = { UPSTREAM: upstream.port, ...options.env };
  return NodeProgram.start('paceline', join(folder!, file), ['http'], { ...options, env, exportsApp: true });
}
const preloaded = (options: ProgramOptions = {}): Promise<NodeProgram> =>
  start('fetch.mjs', { node: ['--import', join(folder!, 'otel.mjs')], ...options });

const spansOf = (program: NodeProgram, kind: Span['kind'] = 'SERVER'): Span[] =>
  program.lines<Span>('span').filter((span) => span.kind === kind);

async function ended(program: NodeProgram, count: number): Promise<Span> {
  await program.until(`${count} spans`, () => spansOf(program).length >= count);
  return spansOf(program)[count - 1]!;
}

given('a span has the request, its peer and the answer in the attributes of the conventions', async () => {
  await using program = await preloaded();
  const client = await program.connect('http');
  await client.get('/users/7?secret=1', `${TRACEPARENT}user-agent: spec/1\r\n`);
  const span = await ended(program, 1);
  assert.is(span.name, 'GET /users/:id');
  assert.equal([span.traceId, span.parent, span.status], [TRACE, CALLER, UNSET]);
  const { 'network.peer.port': port, ...attributes } = span.attributes;
  assert.is(port, (client.socket.address() as AddressInfo).port);
  assert.equal(attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'http.route': '/users/:id',
    'url.scheme': 'http',
    'url.path': '/users/7',
    'user_agent.original': 'spec/1',
    'server.address': 'test',
    'server.port': 80,
    'client.address': '127.0.0.1',
    'network.peer.address': '127.0.0.1',
    'network.protocol.version': '1.1',
  });
});

given(
  'a handler that fails, and an answer that says so, are errors; what the client does is none',
  async () => {
    await using program = await preloaded();
    const client = await program.connect('http');
    await client.get('/throws');
    await client.get('/unavailable');
    await client.get('/users/7');
    const leaves = await program.connect('http');
    void leaves.send('BREW /never HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n');
    await client.get('/active');
    await leaves.close();
    await ended(program, 5);
    const seen = spansOf(program).map(({ name, status, attributes }) => [
      name,
      status,
      attributes['http.response.status_code'],
      attributes['error.type'],
    ]);
    assert.equal(seen, [
      ['GET', ERROR, 500, 'RangeError'],
      ['GET', ERROR, 503, '503'],
      ['GET /users/:id', UNSET, 200, undefined],
      ['GET', UNSET, 200, undefined],
      ['HTTP', UNSET, undefined, undefined],
    ]);
    const { attributes } = spansOf(program).at(-1)!;
    assert.is(attributes['http.request.method_original'], 'BREW');
    assert.equal([attributes['server.address'], attributes['server.port']], ['::1', 8080]);
  },
);

for (const [how, begin] of Object.entries({
  preloaded: preloaded,
  'that the app sets up itself': () => start('fetch-itself.mjs'),
  'with an access log': () => preloaded({ env: { PACELINE_ACCESS_LOG: 'json' } }),
})) {
  given(`an SDK ${how}: the span is active in the handler, behind its awaits and in its stream`, async () => {
    await using program = await begin();
    const client = await program.connect('http');
    const answers: Ids[] = [];
    for (const path of ['/active', '/awaits', '/streams'])
      answers.push(...[JSON.parse((await client.get(path, TRACEPARENT)).text) as Ids | Ids[]].flat());
    await ended(program, 3);
    const [sync, awaits, streams] = spansOf(program).map(({ spanId }) => spanId);
    assert.equal(
      answers.map(({ spanId }) => spanId),
      [sync, awaits, awaits, streams],
    );
    assert.is(new Set([sync, awaits, streams]).size, 3);
    for (const { traceId } of answers) assert.is(traceId, TRACE);
  });
}

given("requests that the handler makes are children of the request's span", async () => {
  await using program = await preloaded();
  upstream.received.length = 0;
  await (await program.connect('http')).get('/calls', TRACEPARENT);
  const server = await ended(program, 1);
  const [client] = spansOf(program, 'CLIENT');
  assert.equal([client!.traceId, client!.parent], [TRACE, server.spanId]);
  assert.equal(upstream.received, [`00-${TRACE}-${client!.spanId}-01`]);
});

given('a request without traceparent begins a trace, and the access log names it', async () => {
  await using program = await preloaded({ env: { PACELINE_ACCESS_LOG: 'json' } });
  await (await program.connect('http')).get('/active');
  const span = await ended(program, 1);
  assert.is(span.parent, null);
  await program.until('its line', () => program.stdout.includes('"type":"access"'));
  assert.ok(program.stdout.includes(`"traceId":"${span.traceId}"`));
});

given('requests of many connections and threads do not mix up their spans', async () => {
  await using program = await preloaded({ threads: 4 });
  const connections = 8;
  const rounds = 10;
  await Promise.all(
    range(connections).map(async (connection) => {
      const client = await program.connect('http');
      for (const round of range(rounds)) {
        const trace = `${connection}${String(round).padStart(2, '0')}`.padStart(32, 'a');
        const { text } = await client.get('/awaits', `traceparent: 00-${trace}-${CALLER}-01\r\n`);
        assert.equal(
          (JSON.parse(text) as Ids[]).map(({ traceId }) => traceId),
          [trace, trace],
        );
      }
    }),
  );
  await ended(program, connections * rounds);
  assert.is(new Set(spansOf(program).map(({ traceId }) => traceId)).size, connections * rounds);
});

given('an app that only imports the API has no spans', async () => {
  await using program = await start('fetch.mjs');
  assert.is((await (await program.connect('http')).get('/active')).text, '{}');
  assert.equal(spansOf(program), []);
});

test.run();
