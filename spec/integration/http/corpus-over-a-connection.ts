/** llhttp's request cases, sent to a real server: what its parser completes is answered, what it refuses is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CORPUS_FOLDER, type CorpusCase, readCorpus } from '../../support/llhttp-corpus.js';
import { AFTER_CLOSE, OTHERWISE, STRICTER } from '../../support/llhttp-differences.js';
import { type HostedCase, withHosts } from '../../support/llhttp-hosts.js';
import type { Answer, Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';

const APP = '../http/mirror';
/** Prime, so that the pieces end at other places in each line. */
const PIECE_BYTES = 7;
/** Cases under way at once. */
const TOGETHER = 16;

const corpus = readCorpus();
if (corpus === undefined) console.log(`skipped: there is no llhttp corpus at ${CORPUS_FOLDER}`);

/** How a case's bytes come to the server. */
type Sending = (client: Client, bytes: Uint8Array) => Promise<void>;

const whole: Sending = (client, bytes) => client.send(bytes);

const inPieces: Sending = async (client, bytes) => {
  for (let at = 0; at < bytes.length && !client.ended; at += PIECE_BYTES) {
    await client.send(bytes.subarray(at, at + PIECE_BYTES));
    await new Promise(setImmediate);
  }
};

/** The next answer that is final. */
async function finalAnswer(client: Client, toHead: boolean): Promise<Answer> {
  const answer = await client.answer({ toHead });
  return answer.status >= 200 ? answer : finalAnswer(client, toHead);
}

/** The answers that every complete message has got, and the body that the handlers saw. */
async function answered(client: Client, hosted: HostedCase): Promise<string> {
  let body = '';
  for (const method of hosted.methods.slice(0, hosted.complete)) {
    const answer = await finalAnswer(client, method === 'HEAD');
    assert.is(answer.status, 200);
    if (method === 'HEAD') continue;
    const seen = JSON.parse(answer.text) as { method: string; body: string };
    assert.is(seen.method, method);
    body += seen.body;
  }
  return body;
}

/** The server says no and ends the connection by itself. */
async function isRefused(client: Client, hosted: HostedCase): Promise<void> {
  const method = hosted.methods[hosted.complete];
  const answer = await client.answer({ toHead: method === 'HEAD' });
  // No handler can see the content of these, so it may have answered before what is wrong there has come.
  const early = answer.status === 200 && (method === 'GET' || method === 'HEAD');
  if (!early) {
    assert.is(answer.status, hosted.status);
    assert.is(answer.headers.get('connection'), 'close');
  }
  assert.is((await client.rest()).length, 0);
}

/** The bytes are over: nothing more is said, but for a body that has no end. */
async function isOver(client: Client, hosted: HostedCase): Promise<void> {
  if (!hosted.closes) client.end();
  const rest = (await client.rest()).toString('latin1');
  if (hosted.upgrade) return;
  const bodyCut = hosted.methods.length > hosted.complete;
  assert.match(rest, bodyCut ? /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?(?:HTTP\/1\.1 499 |$)/ : /^$/);
}

/** Whether llhttp's verdict, with the listed differences, is a refusal. */
function mustBeRefused(the: CorpusCase): boolean {
  if (STRICTER[the.id] !== undefined) return true;
  return the.error !== undefined && the.error !== AFTER_CLOSE && OTHERWISE[the.id] === undefined;
}

async function check(running: Running, the: CorpusCase, send: Sending): Promise<void> {
  const hosted = withHosts(the.bytes);
  const listed = STRICTER[the.id] !== undefined || OTHERWISE[the.id] !== undefined;
  if (the.type === 'request') {
    assert.is(hosted.status !== 0, mustBeRefused(the), 'the verdict is not the expected one');
    if (!listed) assert.is(hosted.complete, the.complete);
  }
  const client = await running.connect();
  const sent = send(client, hosted.bytes);
  const body = await answered(client, hosted);
  if (hosted.status !== 0) await isRefused(client, hosted);
  else await isOver(client, hosted);
  await sent;
  const carriesBodies = hosted.methods.every((method) => method !== 'GET' && method !== 'HEAD');
  const finished = hosted.complete === hosted.methods.length;
  if (the.type === 'request' && !listed && the.body !== undefined && carriesBodies && finished) {
    assert.is(body, the.body);
  }
  await client.close();
}

async function checkAll(cases: readonly CorpusCase[], send: Sending): Promise<void> {
  await using running = await Running.start(APP, { threads: 3 });
  const rest = [...cases];
  const worker = async () => {
    for (let the = rest.pop(); the !== undefined; the = rest.pop()) {
      try {
        await check(running, the, send);
      } catch (error) {
        throw new Error(`${the.id}: ${(error as Error).stack}`);
      }
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
  assert.is(JSON.parse(await running.get('/after')).method, 'GET');
  await running.connections(0);
}

for (const [how, send] of [
  ['at once', whole],
  ['in pieces', inPieces],
] as const) {
  test(`llhttp's strict cases, sent ${how}, get its verdict over a connection, but for the listed ones`, async () => {
    const cases = (corpus ?? []).filter(({ type }) => type === 'request');
    if (corpus !== undefined) assert.ok(cases.length > 100);
    await checkAll(cases, send);
  });

  test(`llhttp's lenient cases, sent ${how}, get the parser's verdict over a connection`, async () => {
    await checkAll(
      (corpus ?? []).filter(({ type }) => type !== 'request'),
      send,
    );
  });
}

test.run();
