/** Drives the parser as a connection does: in pieces, each with another parser that loads its registers from shared memory. */
import * as assert from 'uvu/assert';
import {
  BODY,
  END,
  HEAD,
  NEED_MORE,
  PARSER_WORDS,
  type ParserLimits,
  REFUSED,
  RequestParser,
} from '../../../lib/http/parser/request-parser.js';

/** One message as the parser reported it. */
export interface Message {
  method: string;
  target: string;
  /** From the first header line to the empty line. */
  headers: string;
  host: string | undefined;
  minorVersion: number;
  keepAlive: boolean;
  hasBody: boolean;
  chunked: boolean;
  contentLength: number;
  expectContinue: boolean;
  body: string;
  complete: boolean;
}

export interface Outcome {
  messages: Message[];
  /** 0: not refused. */
  status: number;
  reason: string;
  inHead: boolean;
  fresh: boolean;
  /** Bytes before the message that was being read, or was refused, at the end. */
  lastStart: number;
}

export const LIMITS: ParserLimits = { maxHeaderSize: 16384, maxBodySize: Infinity };

export function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', from, to);
}

function messageOf(parser: RequestParser, bytes: Uint8Array): Message {
  const at = parser.messageStart;
  assert.is(parser.targetStart, parser.methodEnd + 1);
  assert.is(at + parser.headLength, parser.position);
  return {
    method: textOf(bytes, at, at + parser.methodEnd),
    target: textOf(bytes, at + parser.targetStart, at + parser.targetEnd),
    headers: textOf(bytes, at + parser.headersStart, at + parser.headLength - 2),
    host: parser.hostStart < 0 ? undefined : textOf(bytes, at + parser.hostStart, at + parser.hostEnd),
    minorVersion: parser.minorVersion,
    keepAlive: parser.keepAlive,
    hasBody: parser.hasBody,
    chunked: parser.chunked,
    contentLength: parser.contentLength,
    expectContinue: parser.expectContinue,
    body: '',
    complete: false,
  };
}

/** The facts that must survive a change of threads in the middle of a body. */
function factsOf(parser: RequestParser): unknown {
  const { headLength, methodEnd, targetStart, targetEnd, headersStart, hostStart, hostEnd } = parser;
  const { minorVersion, keepAlive, hasBody, chunked, contentLength, expectContinue } = parser;
  return [
    ...[headLength, methodEnd, targetStart, targetEnd, headersStart, hostStart, hostEnd, minorVersion],
    ...[keepAlive, hasBody, chunked, contentLength, expectContinue],
  ];
}

/** Feeds `input` in pieces that end at `cuts`; before each piece a new parser loads the registers from shared memory. */
export function drive(input: Uint8Array, cuts: readonly number[], limits: ParserLimits = LIMITS): Outcome {
  const guard = 0x5a5a5a5a;
  const words = new Int32Array(new SharedArrayBuffer(4 * (PARSER_WORDS + 2))).fill(guard);
  const messages: Message[] = [];
  let parser = new RequestParser(limits);
  parser.reset();
  let kept = 0;
  let start = 0;
  let lastStart = 0;
  let facts: unknown;
  let index = 0;
  for (const cut of [...cuts, input.length]) {
    // The kept bytes and the new ones, at another base each time and with strange bytes around them.
    const base = (index++ % 3) * 5;
    const to = base + cut - start + kept;
    const bytes = new Uint8Array(to + 3).fill(0x0d);
    bytes.set(input.subarray(start - kept, cut), base);
    let at = base + kept;
    for (;;) {
      const result = parser.execute(bytes, at, to);
      if (result === REFUSED) {
        assert.is(parser.execute(bytes, at, to), REFUSED, 'a refused connection stays refused');
        lastStart = start - kept + parser.messageStart - base;
        return { ...endOf(parser), messages, lastStart, status: parser.status, reason: parser.reason };
      }
      at = parser.position;
      if (result === NEED_MORE) break;
      if (result === HEAD) {
        lastStart = start - kept + parser.messageStart - base;
        messages.push(messageOf(parser, bytes));
        facts = factsOf(parser);
      }
      if (result === BODY) {
        assert.ok(parser.spanStart < parser.spanEnd && parser.spanEnd === at);
        messages.at(-1)!.body += textOf(bytes, parser.spanStart, parser.spanEnd);
      }
      if (result === END) messages.at(-1)!.complete = true;
    }
    assert.is(at, to, 'everything is consumed before more is needed');
    kept = parser.inHead ? to - parser.messageStart : 0;
    if (parser.inHead) lastStart = cut - kept;
    start = cut;
    parser.save(words, 1);
    const next = new RequestParser(limits);
    if (parser.fresh) {
      next.reset();
      facts = undefined;
    } else {
      next.load(words, 1);
    }
    assert.is(next.fresh, parser.fresh);
    assert.is(next.inHead, parser.inHead);
    if (!parser.inHead && facts !== undefined) assert.equal(factsOf(next), facts);
    parser = next;
  }
  assert.is(words[0], guard);
  assert.is(words[PARSER_WORDS + 1], guard);
  return { ...endOf(parser), messages, lastStart, status: 0, reason: '' };
}

function endOf(parser: RequestParser): { inHead: boolean; fresh: boolean } {
  return { inHead: parser.inHead, fresh: parser.fresh };
}

/** The outcome without the start of the refused message, which depends on the split; all else must be the same. */
export function verdict(outcome: Outcome): unknown {
  return { ...outcome, lastStart: 0 };
}
