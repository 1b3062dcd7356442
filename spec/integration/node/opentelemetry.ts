/** OpenTelemetry's instrumentations of node:http and Express, preloaded as their documentation says. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { installed } from '../../support/server/installed.js';
import { type Host, NodeProgram } from '../../support/server/node-program.js';
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

/** How the server file and the instrumentation are loaded. */
const LOADED = {
  'by --require, in CommonJS': {
    file: 'server.cjs',
    node: (folder: string) => ['--require', join(folder, 'otel.cjs')],
  },
  'by --import, as modules': {
    file: 'server.mjs',
    node: (folder: string) => ['--import', join(folder, 'otel.mjs')],
  },
  'by --import, exported': {
    file: 'exported.mjs',
    node: (folder: string) => ['--import', join(folder, 'otel.mjs')],
  },
  'by NODE_OPTIONS': { file: 'server.cjs', node: () => [] },
};
type Loading = keyof typeof LOADED;

const MODULES: Loading = 'by --import, as modules';
const RUNS: readonly (readonly [Host, Loading])[] = [
  ...(['node', 'paceline'] as const).flatMap((host) =>
    ([MODULES, 'by --require, in CommonJS', 'by NODE_OPTIONS'] as const).map(
      (loading) => [host, loading] as const,
    ),
  ),
  // CommonJS cannot load it in Node 20.
  ['paceline/http', MODULES],
];

const upstream = new Upstream();
test.before(() => upstream.listen());
test.after(() => upstream.close());

function start(host: Host, folder: string, loading: Loading, threads = 1): Promise<NodeProgram> {
  const { file, node } = LOADED[loading];
  const options = loading === 'by NODE_OPTIONS' ? `--require ${join(folder, 'otel.cjs')}` : '';
  return NodeProgram.start(host, join(folder, file), ['http'], {
    node: node(folder),
    env: { UPSTREAM: upstream.port, NODE_OPTIONS: options },
    threads,
    exportsApp: loading === 'by --import, exported',
  });
}

const spansOf = (program: NodeProgram, kind: Span['kind']): Span[] =>
  program.lines<Span>('span').filter((span) => span.kind === kind);

/** The server span of one request. */
async function served(program: NodeProgram, request: string): Promise<Span> {
  const before = spansOf(program, 'SERVER').length;
  const client = await program.connect('http');
  await client.send(request);
  await client.answer();
  await program.until('its span', () => spansOf(program, 'SERVER').length > before);
  return spansOf(program, 'SERVER')[before]!;
}

/** Requests, and what is to be in their server spans. */
const REQUESTS = {
  'GET /users/7 HTTP/1.1\r\nhost: test\r\n': { route: '/users/:id', status: 200, error: UNSET },
  'GET /fails HTTP/1.1\r\nhost: test\r\n': { route: '/fails', status: 503, error: ERROR },
  'GET /throws HTTP/1.1\r\nhost: test\r\n': { route: '/throws', status: 500, error: ERROR },
  'GET /nowhere HTTP/1.1\r\nhost: test\r\n': { route: undefined, status: 404, error: UNSET },
} as const;

/** Attributes that differ from run to run. */
const VARYING = /(^|[._])(port|pid|id)$|host$|user_agent/;

function comparable({ name, kind, attributes, status, traceId, parent }: Span): object {
  const same = Object.entries(attributes).filter(([key]) => !VARYING.test(key));
  return { name, kind, status, traceId, parent, attributes: Object.fromEntries(same.sort()) };
}

const folder = installed('spec/fixtures/opentelemetry');
if (folder === null) console.log('\nskipped: OpenTelemetry could not be installed');
const given = folder === null ? test.skip : test;

for (const [host, loading] of RUNS.filter(([name]) => name !== 'node')) {
  given(
    `${host}, loaded ${loading}: server spans have route and status, and are those of plain node`,
    async () => {
      await using reference = await start('node', folder!, loading);
      await using program = await start(host, folder!, loading);
      for (const [head, { route, status, error }] of Object.entries(REQUESTS)) {
        const request = `${head}${TRACEPARENT}\r\n`;
        const span = await served(program, request);
        assert.equal(comparable(span), comparable(await served(reference, request)));
        assert.is(span.attributes['http.route'], route, head);
        assert.is(
          span.attributes['http.status_code'] ?? span.attributes['http.response.status_code'],
          status,
        );
        assert.is(span.status, error, head);
        assert.equal([span.traceId, span.parent], [TRACE, CALLER], head);
      }
    },
  );
}

for (const [host, loading] of RUNS) {
  given(
    `${host}, loaded ${loading}: a request's context reaches the requests that its handler makes`,
    async () => {
      await using program = await start(host, folder!, loading);
      upstream.received.length = 0;
      const server = await served(program, `GET /users/7 HTTP/1.1\r\nhost: test\r\n${TRACEPARENT}\r\n`);
      const client = spansOf(program, 'CLIENT')[0]!;
      assert.equal(upstream.received, [`00-${TRACE}-${client.spanId}-01`]);
      assert.is(client.traceId, TRACE);
      // Between the two are the spans of Express, which may end after the server's.
      await program.until('the spans of Express lead from one to the other', () => {
        const parents = new Map(program.lines<Span>('span').map(({ spanId, parent }) => [spanId, parent]));
        let above = client.parent;
        while (above !== null && above !== server.spanId) above = parents.get(above) ?? null;
        return above !== null;
      });
    },
  );
}

for (const host of ['node', 'paceline', 'paceline/http'] as const) {
  given(`${host}: requests on kept connections do not mix up their traces`, async () => {
    await using program = await start(host, folder!, MODULES, 4);
    const connections = 8;
    const rounds = 10;
    await Promise.all(
      range(connections).map(async (connection) => {
        const client = await program.connect('http');
        for (const round of range(rounds)) {
          const trace = `${connection}${String(round).padStart(2, '0')}`.padStart(32, 'a');
          const { text } = await client.get(`/users/${round}`, `traceparent: 00-${trace}-${CALLER}-01\r\n`);
          assert.is((JSON.parse(text) as { traceId: string }).traceId, trace);
        }
      }),
    );
    await program.until('all spans', () => spansOf(program, 'SERVER').length === connections * rounds);
    const traces = new Set(spansOf(program, 'SERVER').map(({ traceId }) => traceId));
    assert.is(traces.size, connections * rounds);
    for (const { traceId } of spansOf(program, 'CLIENT')) assert.ok(traces.has(traceId));
  });
}

given(
  'paceline: the server spans of an app that is exported are those of one that listens itself',
  async () => {
    const request = `GET /users/7 HTTP/1.1\r\nhost: test\r\n${TRACEPARENT}\r\n`;
    await using reference = await start('node', folder!, MODULES);
    await using program = await start('paceline', folder!, 'by --import, exported');
    assert.equal(comparable(await served(program, request)), comparable(await served(reference, request)));
  },
);

test.run();
