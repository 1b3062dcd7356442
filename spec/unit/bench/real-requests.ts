/** The real requests of the benchmark: none twice, the sizes that the scenarios name, and the same answers by all frameworks. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanUpAtExit } from '../../../scripts/bench/children.js';
import { BROWSER_FIELDS, bytesOf, REQUESTS, wrkScript } from '../../../scripts/bench/real-requests.js';
import { FASTIFY_ROUTES } from '../../../scripts/bench/servers/fastify-routes.js';
import expressApp from '../../../scripts/bench/servers/node/express-shop.js';
import realApp from '../../../scripts/bench/servers/real-app.js';

const KINDS = ['real-get', 'real-post', 'html'] as const;
const KIB = 1024;

cleanUpAtExit();

test('no request occurs twice, and each announces the length of its body', () => {
  for (const kind of KINDS) {
    const texts = Array.from({ length: 1000 }, (_, index) => bytesOf(kind, index + 1).toString('latin1'));
    assert.is(new Set(texts).size, texts.length, kind);
    const [head, body] = texts[0]!.split('\r\n\r\n') as [string, string];
    assert.is(Number(/Content-Length: (\d+)/.exec(head)?.[1] ?? 0), body.length, kind);
  }
  assert.is(Object.keys(BROWSER_FIELDS).length, 10);
  assert.ok(Math.abs(REQUESTS['real-post'].bodyOf!(1).length - KIB) < KIB / 20);
});

test('the script of wrk makes the same requests', () => {
  for (const kind of KINDS) {
    const script = readFileSync(wrkScript(kind), 'utf8');
    // The expression is one of JavaScript too, but for the operator that joins strings.
    const text = /return (.*)\nend/.exec(script)![1]!.replaceAll(' .. ', ' + ');
    const [, first, step, count] = /(\d+) \+ number \* (\d+) % (\d+)/.exec(script)!.map(Number);
    for (const number of [1, 2, 12_345]) {
      const id = `${first! + ((number * step!) % count!)}`;
      const request = new Function('id', 'number', `return ${text}`)(id, number);
      assert.is(request, bytesOf(kind, number).toString('latin1'));
    }
  }
});

test('Hono, Fastify and Express answer with the same bytes, of the sizes that the scenarios name', async () => {
  const server = fastify();
  for (const route of Object.values(FASTIFY_ROUTES)) server.route(route);
  const expressServer = createServer(expressApp);
  await new Promise<void>((resolve) => expressServer.listen(0, '127.0.0.1', resolve));
  const { port } = expressServer.address() as AddressInfo;
  for (const [kind, bytes] of [
    ['real-get', 650],
    ['real-post', 40],
    ['html', 16 * KIB],
  ] as const) {
    const { method, pathOf, bodyOf } = REQUESTS[kind];
    const headers = { ...BROWSER_FIELDS, ...(bodyOf && { 'Content-Type': 'application/json' }) };
    const url = `http://127.0.0.1${pathOf(3)}`;
    const request = new Request(url, { method, headers, body: bodyOf?.(3) ?? null });
    const byHono = await realApp.fetch(request);
    const byFastify = await server.inject({
      method,
      url: pathOf(3),
      headers,
      ...(bodyOf && { payload: bodyOf(3) }),
    });
    const byExpress = await fetch(`http://127.0.0.1:${port}${pathOf(3)}`, {
      method,
      headers,
      body: bodyOf?.(3) ?? null,
    });
    const body = await byHono.text();
    assert.is(await byExpress.text(), body, kind);
    assert.is(byExpress.status, byHono.status, kind);
    assert.is(byFastify.body, body, kind);
    assert.is(byFastify.statusCode, byHono.status, kind);
    assert.ok(Math.abs(Buffer.byteLength(body) / bytes - 1) < 0.1, `${kind}: ${Buffer.byteLength(body)}`);
  }
  await server.close();
  expressServer.closeAllConnections();
  expressServer.close();
});

test.run();
