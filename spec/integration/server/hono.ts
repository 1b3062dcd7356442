/** A Hono app, served without an adapter: `export default app`. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Answer, Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';

const APP = '../http/hono';
const POLLS = 5000;

/** Runs the checks on one kept-alive connection. */
function check(name: string, checks: (client: Client, running: Running) => Promise<void>): void {
  test(name, async () => {
    await using running = await Running.start(APP, { threads: 2 });
    const client = await running.connect();
    await checks(client, running);
    assert.is((await client.get('/')).text, 'hello');
    assert.equal(
      running.log.filter(({ level }) => level === 'error'),
      [],
    );
  });
}

async function request(
  client: Client,
  line: string,
  fields = '',
  body: string | Buffer = '',
): Promise<Answer> {
  const bytes = Buffer.from(body as string);
  const length = bytes.length > 0 ? `content-length: ${bytes.length}\r\n` : '';
  await client.send(`${line} HTTP/1.1\r\nhost: example.com\r\n${length}${fields}\r\n`);
  await client.send(bytes);
  return client.answer({ toHead: line.startsWith('HEAD') });
}

check('sync and async routes answer with their types', async (client) => {
  const text = await client.get('/');
  assert.is(text.text, 'hello');
  assert.match(text.headers.get('content-type')!, /^text\/plain/);
  const html = await client.get('/later');
  assert.is(html.text, '<p>later</p>');
  assert.match(html.headers.get('content-type')!, /^text\/html/);
  assert.equal((await client.get('/bytes')).body, Buffer.from([0, 127, 255]));
  assert.is((await client.get('/empty')).status, 204);
  const moved = await client.get('/moved');
  assert.is(moved.status, 308);
  assert.is(moved.headers.get('location'), '/');
});

check('parameters, queries and fields are found', async (client) => {
  assert.equal(JSON.parse((await client.get('/users/42?q=a%20b&x=1&x=2')).text), {
    id: '42',
    q: 'a b',
    all: ['1', '2'],
  });
  assert.is((await client.get('/users/none')).status, 404);
  assert.is((await client.get('/files/a/b%20c')).text, '/files/a/b c');
  assert.is((await client.get('/header', 'X-Own: ours\r\n')).text, 'ours');
});

check('HEAD is answered like GET, without the content', async (client) => {
  const answer = await request(client, 'HEAD /');
  assert.is(answer.status, 200);
  assert.match(answer.headers.get('content-type')!, /^text\/plain/);
});

check('JSON, text and repeatedly read bodies arrive', async (client) => {
  const json = { a: [1, 'ü'], b: null };
  const answer = await client.post('/json', JSON.stringify(json), 'content-type: application/json\r\n');
  assert.is(answer.status, 201);
  assert.equal(JSON.parse(answer.text), { got: json });
  assert.is((await request(client, 'PUT /text', '', 'shout')).text, 'SHOUT');
  assert.is((await request(client, 'DELETE /twice', '', 'ab')).text, 'abab');
  const chunked = 'transfer-encoding: chunked\r\n';
  await client.send(`POST /json HTTP/1.1\r\nhost: a\r\n${chunked}\r\n3\r\n[1,\r\n`);
  await client.send('2\r\n2]\r\n0\r\n\r\n');
  assert.equal(JSON.parse((await client.answer()).text), { got: [1, 2] });
});

test('malformed JSON reaches the error handler', async () => {
  await using running = await Running.start(APP, { threads: 2 });
  const client = await running.connect();
  const answer = await client.post('/json', '{', 'content-type: application/json\r\n');
  assert.is(answer.status, 500);
  assert.is(answer.text, 'mended');
});

check('forms arrive, urlencoded and with files', async (client) => {
  const urlencoded = 'content-type: application/x-www-form-urlencoded\r\n';
  const plain = JSON.parse((await client.post('/form', 'name=a+b&tag=1&tag=2', urlencoded)).text);
  assert.equal(plain, { name: 'a b', tags: ['1', '2'] });
  const content = 'x'.repeat(300_000);
  const parts = [
    '--edge\r\ncontent-disposition: form-data; name="name"\r\n\r\nü',
    `--edge\r\ncontent-disposition: form-data; name="file"; filename="f.txt"\r\ncontent-type: text/plain\r\n\r\n${content}`,
    '--edge--\r\n',
  ];
  const multipart = 'content-type: multipart/form-data; boundary=edge\r\n';
  const upload = JSON.parse((await client.post('/form', parts.join('\r\n'), multipart)).text);
  assert.equal(upload, { name: 'ü', file: 'f.txt', type: 'text/plain', content });
  assert.is((await client.post('/size', Buffer.alloc(3_000_000))).text, '3000000');
});

check('cors answers preflights and marks responses', async (client) => {
  const origin = 'origin: http://example.com\r\n';
  const preflight = await request(
    client,
    'OPTIONS /api/data',
    `${origin}access-control-request-method: PUT\r\n`,
  );
  assert.is(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-methods')!, /PUT/);
  const answer = await client.get('/api/data', origin);
  assert.is(answer.headers.get('access-control-allow-origin'), 'http://example.com');
  assert.is(answer.headers.get('access-control-allow-credentials'), 'true');
  assert.equal(JSON.parse(answer.text), { ok: true });
});

check('etag makes a second request conditional', async (client) => {
  const first = await client.get('/etag/page');
  const tag = first.headers.get('etag')!;
  assert.ok(tag.length > 2);
  const second = await client.get('/etag/page', `if-none-match: ${tag}\r\n`);
  assert.is(second.status, 304);
  assert.is(second.headers.get('etag'), tag);
});

check('middleware runs before and after the handler', async (client) => {
  assert.is((await client.get('/timed/thing')).headers.get('x-after'), '200');
  assert.is((await client.get('/timed/nothing')).headers.get('x-after'), '404');
  assert.is((await client.get('/logged/thing')).text, 'logged');
});

check('streams, text streams and server-sent events come whole', async (client) => {
  const { body, headers } = await client.get('/stream');
  assert.is(headers.get('transfer-encoding'), 'chunked');
  assert.is(body.length, 300_000);
  assert.equal([body[0], body[100_000], body[299_999]], [0, 1, 2]);
  assert.is((await client.get('/stream-text')).text, 'one\ntwo');
  const events = await client.get('/events');
  assert.is(events.headers.get('content-type'), 'text/event-stream');
  assert.is(events.text, [0, 1, 2].map((id) => `event: tick\ndata: tick ${id}\nid: ${id}\n\n`).join(''));
});

check('cookies come and go, each in a field of its own', async (client) => {
  const answer = await client.get('/cookies', 'cookie: a=1; b=x%20y\r\n');
  assert.equal(JSON.parse(answer.text), { a: '1', b: 'x y' });
  const cookies = answer.head.split('\r\n').filter((line) => /^set-cookie:/i.test(line));
  assert.is(cookies.length, 3);
  assert.match(cookies[0]!, /first=a%20b; Path=\/; HttpOnly/);
  assert.match(cookies[1]!, /second=2; Max-Age=60/);
  assert.match(cookies[2]!, /old=; Max-Age=0/);
});

check('what is not found and what is thrown are the handlers’ own', async (client) => {
  const missing = await client.get('/no/such');
  assert.is(missing.status, 404);
  assert.equal(JSON.parse(missing.text), { nothing: '/no/such' });
  const forbidden = await client.get('/forbidden');
  assert.is(forbidden.status, 403);
  assert.is(forbidden.text, 'not for you');
  const broken = await client.get('/broken');
  assert.is(broken.status, 500);
  assert.is(broken.text, 'mended');
});

test('a stream whose client leaves is aborted', async () => {
  await using running = await Running.start(APP, { threads: 1 });
  const client = await running.connect();
  await client.send('GET /endless HTTP/1.1\r\nhost: test\r\n\r\n');
  await client.bytes(500);
  await client.close();
  const other = await running.connect();
  // Each answer takes a pass of the thread's loop, in which the end of the other connection is noticed.
  let answers = 0;
  while ((await other.get('/aborted')).text === '0' && answers < POLLS) answers++;
  assert.ok(answers < POLLS);
  await running.connections(1);
});

test.run();
