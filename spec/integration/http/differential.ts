/**
 * The same random requests, some of them broken, to this server and to node:http's: both accept or refuse them, and their
 * handlers see the same, but for the listed classes of differences. The parser alone says for each stream how far it is
 * good and what is wrong then; the server has to do exactly that.
 *
 * DIFFERENTIAL_SEED and DIFFERENTIAL_MS run it with another seed, or for longer.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { END, HEAD, NEED_MORE, REFUSED, RequestParser } from '../../../lib/http/parser/request-parser.js';
import { STRICTER, WIDER } from '../../support/http/differences.js';
import { mutatedStream, pieces, validStream } from '../../support/http/requests.js';
import { NodeServer, type Seen, sendAll, type Verdict, verdictOf } from '../../support/http/verdicts.js';
import { type Random, randomOf } from '../../support/random.js';
import { Running } from '../../support/server/running.js';

const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const TIME_MS = Number(process.env.DIFFERENTIAL_MS ?? 4000);
/** Each takes two connections, and their ports rest for a minute (TIME_WAIT): other specs want some, too. */
const MAX_CASES = process.env.DIFFERENTIAL_MS === undefined ? 2000 : Number.POSITIVE_INFINITY;
/** So that the streams of one seed are not those of the next one. */
const SEED_STEP = 1_000_003;

/** What the parser alone makes of a stream. */
interface Parsed {
  /** Messages that are complete, up to one that ends the connection. */
  readonly complete: number;
  /** The handler of the unfinished last one sees no content, so it need not wait for it. */
  readonly mayAnswerEarly: boolean;
  readonly status: number;
  readonly reason: string;
  /** The last head that has begun has an empty line behind it. */
  readonly headEnds: boolean;
  /** The last complete message ends the connection: nothing behind it is looked at. */
  readonly ended: boolean;
}

function parse(bytes: Buffer): Parsed {
  const parser = new RequestParser({ maxHeaderSize: 16_384, maxBodySize: 16 * 1024 * 1024 });
  let complete = 0;
  let mayAnswerEarly = false;
  for (let at = 0; ; at = parser.position) {
    const result = parser.execute(bytes, at, bytes.length);
    if (result === HEAD) {
      const { messageStart, targetEnd } = parser;
      const line = bytes.toString('latin1', messageStart, messageStart + targetEnd);
      mayAnswerEarly = /^(?:GET|HEAD) /.test(line);
    }
    if (result === END) {
      complete++;
      mayAnswerEarly = false;
    }
    const last = result === END && !parser.keepAlive;
    if (!last && result !== NEED_MORE && result !== REFUSED) continue;
    const { status, reason, messageStart } = parser;
    const headEnds = bytes.includes('\r\n\r\n', messageStart);
    return { complete, mayAnswerEarly, status, reason, headEnds, ended: last };
  }
}

/** The server does with a stream what its parser alone does. */
function serverDiffers(ours: Verdict, parsed: Parsed): string | undefined {
  const early = parsed.mayAnswerEarly && ours.messages.length === parsed.complete + 1;
  if (!early && ours.messages.length !== parsed.complete) {
    return `${ours.messages.length} answers to ${parsed.complete} requests`;
  }
  const refused = parsed.status === 0 ? undefined : String(parsed.status);
  return early || ours.refused === refused ? undefined : `answered with ${ours.refused}, not ${refused}`;
}

/**
 * A request as node's handler saw it, in the terms of ours: its origin is where the URL of ours found it. A target that is
 * no URL to anybody has a test of its own.
 */
function asFetch({ method, url, headers, body }: Seen, ours: Seen): Seen {
  const target = url === '*' ? '/' : url;
  const href = target.startsWith('/') ? new URL(ours.url).origin + target : target;
  return { method, url: URL.canParse(href) ? new URL(href).href : ours.url, headers, body };
}

function messagesDiffer(ours: readonly Seen[], node: readonly Seen[]): string | undefined {
  for (const [index, one] of ours.entries()) {
    const other = node[index];
    if (other === undefined) return undefined;
    const pair = [one, asFetch(other, one)];
    // What content in these means is undefined, and Fetch cannot say it (RFC 9110, 9.3.1).
    const [seen, expected] = pair.map((the) =>
      JSON.stringify(/^(?:GET|HEAD)$/.test(the.method) ? { ...the, body: '' } : the),
    );
    if (seen !== expected) return `the handler saw ${seen}, not ${expected}`;
  }
  return undefined;
}

/** How parser and node:http differ where no listed class says so. */
function verdictDiffers(parsed: Parsed, node: Verdict, text: string): string | undefined {
  const { complete, status, reason } = parsed;
  const theirs = node.messages.length;
  // Node reads on in HTTP/1.0, and where there is a `keep-alive` beside the `close` (RFC 9112, 9.3: `close` wins).
  if (parsed.ended && theirs >= complete) return undefined;
  // Each looks at some lines earlier than the other, which shows when a head has no end.
  if (theirs === complete && !parsed.headEnds) return undefined;
  if (status !== 0 && (theirs > complete || (theirs === complete && node.refused === undefined))) {
    const listed = STRICTER.some((one) => one.reason.test(reason));
    return listed ? undefined : `refused: ${status} ${reason}`;
  }
  if (node.refused !== undefined && (theirs < complete || (theirs === complete && status === 0))) {
    const listed = WIDER.some((one) => one.error === node.refused && one.bytes.test(text));
    return listed ? undefined : `accepted, not ${node.refused}`;
  }
  return theirs === complete ? undefined : `${complete} requests, not ${theirs}`;
}

async function compare(what: string, make: (random: Random) => string): Promise<void> {
  const timeouts = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, sendTimeout: 0 };
  await using running = await Running.start('../http/mirror', { threads: 3, ...timeouts });
  await using node = await NodeServer.start();
  const endMs = performance.now() + TIME_MS;
  let cases = 0;
  let refused = 0;
  for (; cases < MAX_CASES && performance.now() < endMs; cases++) {
    const seed = SEED * SEED_STEP + cases;
    const random = randomOf(seed);
    const text = make(random);
    const bytes = Buffer.from(text, 'latin1');
    const parts = pieces(random, bytes);
    const [answers, theirs] = await Promise.all([sendAll(running.target, parts), node.judge(parts)]);
    const ours = verdictOf(answers);
    const parsed = parse(bytes);
    if (parsed.status !== 0) refused++;
    const found =
      serverDiffers(ours, parsed) ??
      verdictDiffers(parsed, theirs, text) ??
      messagesDiffer(ours.messages.slice(0, parsed.complete), theirs.messages);
    assert.is(found, undefined, `seed ${seed}: ${found}: ${JSON.stringify(text)}`);
  }
  console.log(`\n${what}: ${cases} streams compared with node:http, ${refused} refused`);
  await running.connections(0);
}

test('the handler sees valid requests as one of node:http does', async () => {
  await compare('valid', validStream);
});

test('broken requests get the verdict of node:http, but for the listed classes', async () => {
  await compare('broken', mutatedStream);
});

test('a target with an authority that no URL can have is refused, or keeps its path', async () => {
  await using running = await Running.start('../http/mirror', { threads: 1 });
  for (const authority of ['a:99999', '[:1]', 'a%']) {
    const request = `GET http://${authority}/path?query HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { messages, refused } = verdictOf(await sendAll(running.target, [Buffer.from(request)]));
    if (refused !== undefined) continue;
    const { pathname, search } = new URL(messages[0]!.url);
    assert.is(pathname + search, '/path?query', request);
  }
});

test.run();
