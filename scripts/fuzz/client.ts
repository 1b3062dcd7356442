/** One hostile, hasty or broken client: what it sends, in which pieces, and how it disconnects. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextPass } from 'node:timers/promises';
import { TREATMENTS } from '../../spec/fixtures/http/treatments.js';
import { mutatedStream, pieces, validStream } from '../../spec/support/http/requests.js';
import { oneOf, type Random } from '../../spec/support/random.js';
import { within } from '../../spec/support/server/wait.js';

const STREAMS = [
  'valid',
  'valid',
  'broken',
  'broken',
  'truncated',
  'huge head',
  'chunks',
  'files',
  'files',
  'noise',
  'nothing',
] as const;
const PACES = ['at once', 'at once', 'in pieces', 'in pieces', 'byte by byte', 'slowly'] as const;
const ENDS = ['read on', 'half-close', 'half-close', 'FIN', 'RST', 'RST at once', 'stand still'] as const;

const FILES = [
  ...['small.txt', 'large.bin', 'large.bin', 'page.html', 'empty', 'folder/', 'folder', '', 'missing'],
  ...['../client.js', '%2e%2e/%2e%2e/etc/passwd', '.hidden', 'a%00b', '%'],
];
const FILE_FIELDS = [
  ...[
    'Range: bytes=0-99',
    'Range: bytes=-1',
    'Range: bytes=100000-',
    'Range: bytes=9-1',
    'Range: bytes=0-1,3-4',
  ],
  ...['If-None-Match: *', 'If-Match: "a"', 'If-Modified-Since: Sat, 01 Jan 2022 00:00:00 GMT'],
  ...['Accept-Encoding: gzip, br', 'Accept-Encoding: identity;q=0', 'Connection: keep-alive'],
];

/** Between two pieces of a slow client: longer than some of the servers' timeouts. */
const SLOW_MS = 25;

/** How many bytes are sent one by one; the rest of a stream follows in one piece. */
const DRIBBLED_BYTES = 150;

const HOWS = Object.keys(TREATMENTS);

export interface Plan {
  readonly mark: string;
  readonly stream: (typeof STREAMS)[number];
  readonly pace: (typeof PACES)[number];
  readonly end: (typeof ENDS)[number];
  readonly pieces: readonly Buffer[];
}

export function planOf(random: Random, mark: string): Plan {
  const stream = oneOf(random, STREAMS);
  const pace = oneOf(random, PACES);
  // Requests carry the client's mark, which answers repeat, and say how the app is to treat them.
  const text = streamOf(random, stream).replaceAll(
    /\r\n(?=host:)/gi,
    () => `\r\nX-Mark: ${mark}\r\nX-Do: ${oneOf(random, HOWS)}\r\n`,
  );
  return {
    mark,
    stream,
    pace,
    end: oneOf(random, ENDS),
    pieces: piecesOf(random, pace, Buffer.from(text, 'latin1')),
  };
}

function streamOf(random: Random, kind: Plan['stream']): string {
  const valid = validStream(random);
  switch (kind) {
    case 'valid':
      return valid;
    case 'broken':
      return mutatedStream(random);
    case 'truncated':
      return valid.slice(0, random(valid.length));
    case 'huge head':
      return `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(random(40_000))}\r\n\r\n${valid}`;
    case 'chunks': {
      const chunk = `3e8\r\n${'z'.repeat(1000)}\r\n`.repeat(random(300));
      return `${oneOf(random, ['POST', 'PATCH', 'PUT', 'DELETE'])} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n${valid}`;
    }
    case 'files':
      return Array.from({ length: 1 + random(6) }, () => fileRequest(random)).join('');
    case 'noise':
      return Array.from({ length: random(300) }, () => String.fromCharCode(random(256))).join('');
    default:
      return '';
  }
}

function fileRequest(random: Random): string {
  const fields = Array.from({ length: random(3) }, () => `${oneOf(random, FILE_FIELDS)}\r\n`).join('');
  const method = oneOf(random, ['GET', 'GET', 'GET', 'HEAD', 'POST']);
  return `${method} /files/${oneOf(random, FILES)} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

function piecesOf(random: Random, pace: Plan['pace'], bytes: Buffer): Buffer[] {
  if (pace === 'at once') return [bytes];
  if (pace === 'in pieces' || pace === 'slowly') return pieces(random, bytes, 12);
  const single = Array.from(bytes.subarray(0, DRIBBLED_BYTES), (_, at) => bytes.subarray(at, at + 1));
  return [...single, bytes.subarray(DRIBBLED_BYTES)];
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Does what the plan says. Resolves when the connection is closed on this side.
 *
 * @throws when an answer has another client's mark, or what came does not begin as an HTTP answer
 */
export async function carryOut(plan: Plan, { host, port }: Address): Promise<void> {
  // From the server's own address: ports stay in TIME_WAIT there, and not at 127.0.0.1, where others need them.
  const socket = connect({ host, port, localAddress: host, allowHalfOpen: true });
  const parts: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.setNoDelay(true).on('error', () => {});
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.on('end', () => socket.end());
  if (plan.end === 'stand still') socket.pause();
  for (const piece of plan.pieces) {
    if (!socket.writable) break;
    socket.write(piece);
    if (plan.pace === 'slowly') await delay(SLOW_MS);
    else if (plan.pace === 'byte by byte') await delay(1);
    else await nextPass();
  }
  await leave(socket, plan.end);
  await within('the end of a connection', closed);
  check(plan, Buffer.concat(parts).toString('latin1'));
}

async function leave(socket: Socket, how: Plan['end']): Promise<void> {
  switch (how) {
    case 'half-close':
      socket.end();
      break;
    case 'FIN':
      await delay(3);
      socket.destroy();
      break;
    case 'RST':
      await delay(3);
      socket.resetAndDestroy();
      break;
    case 'RST at once':
      socket.resetAndDestroy();
      break;
    default:
      // Reads, or does not read, until the server's timeouts end the connection; bounded.
      await Promise.race([new Promise((resolve) => socket.once('end', resolve)), delay(400)]);
      socket.end();
      socket.resume();
  }
}

function check(plan: Plan, answers: string): void {
  if (answers !== '' && !/^HTTP\/1\.1 \d{3} /.test(answers))
    throw new Error(`no answer: ${JSON.stringify(answers.slice(0, 200))}`);
  for (const [, mark] of answers.matchAll(/^x-mark: (.*)\r$/gm)) {
    // A broken request may have lost or changed its mark, but never has another client's.
    if (mark !== plan.mark && plan.stream !== 'broken')
      throw new Error(`${plan.mark} got the answer of ${mark}`);
  }
}
