/** Fuzzes the parser alone: the verdict on a stream must not depend on how it is split, or on which parser gets which piece. */
import { deepStrictEqual } from 'node:assert/strict';
import { drive, LIMITS, verdict } from '../../spec/support/http/drive.js';
import { mutatedStream, validStream } from '../../spec/support/http/requests.js';
import { oneOf, type Random } from '../../spec/support/random.js';

/** Up to this length a stream is split at every byte, which is quadratic work. */
const EVERY_BYTE_UP_TO = 1200;
const LONG_CUTS = 40;

/** Around the limits of what is counted: empty lines, fields, bytes of extensions and trailers. */
const MAX_EMPTY_LINES = 12;
const MAX_FIELDS = 2500;
const MAX_CHUNKS = 3000;

/** Limits so low that random streams exceed them. */
const CHOICES = [
  LIMITS,
  LIMITS,
  { maxHeaderSize: 300, maxBodySize: 5000 },
  { maxHeaderSize: 300, maxBodySize: 50 },
  { maxHeaderSize: 256, maxTargetSize: 12, maxBodySize: 0 },
];

/** @throws with the stream in the message when two ways to read it differ */
export function fuzzParser(random: Random): void {
  const text = streamOf(random);
  const limits = oneOf(random, CHOICES);
  const input = Buffer.from(text, 'latin1');
  const whole = verdict(drive(input, [], limits));
  const cuts =
    input.length <= EVERY_BYTE_UP_TO
      ? Array.from({ length: input.length + 1 }, (_, at) => at)
      : Array.from({ length: LONG_CUTS }, () => random(input.length + 1));
  const same = (at: readonly number[]): void => {
    const message = `${JSON.stringify(text)} cut at ${at} with ${JSON.stringify(limits)}`;
    deepStrictEqual(verdict(drive(input, at, limits)), whole, message);
  };
  for (const cut of cuts) same([cut]);
  if (input.length <= EVERY_BYTE_UP_TO) same(cuts);
  same(Array.from({ length: 6 }, () => random(input.length + 1)).sort((a, b) => a - b));
}

function streamOf(random: Random): string {
  switch (random(16)) {
    case 0:
      return crowdedStream(random);
    case 1:
    case 2:
    case 3:
    case 4:
      return validStream(random);
    default:
      return mutatedStream(random);
  }
}

/** A request with many of something. */
function crowdedStream(random: Random): string {
  const many = (unit: string, max: number): string => unit.repeat(random(max + 1));
  const valid = validStream(random);
  const head = 'POST / HTTP/1.1\r\nHost: a\r\n';
  const body = 'Transfer-Encoding: chunked\r\n\r\n';
  switch (random(5)) {
    case 0:
      return `${many('\r\n', MAX_EMPTY_LINES)}${valid}`;
    case 1:
      return `${head}${many('a:\r\n', MAX_FIELDS)}\r\n${valid}`;
    case 2:
      return `${head}${body}${many('1;a\r\nx\r\n', MAX_CHUNKS)}0\r\n\r\n${valid}`;
    case 3:
      return `${head}${body}0\r\n${many('a:\r\n', MAX_FIELDS)}\r\n${valid}`;
    default:
      return `${head}${body}${many('0', MAX_CHUNKS)}1${many(';a', MAX_CHUNKS)}\r\nx\r\n0\r\n\r\n${valid}`;
  }
}
