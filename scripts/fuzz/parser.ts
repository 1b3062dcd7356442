/** Fuzzes the parser alone: however a stream is split, and through whichever parsers it goes, it gets the same verdict. */
import { deepStrictEqual } from 'node:assert/strict';
import { drive, LIMITS, verdict } from '../../spec/support/http/drive.js';
import { mutatedStream, validStream } from '../../spec/support/http/requests.js';
import { oneOf, type Random } from '../../spec/support/random.js';

/** Splitting at every byte is work in the square of the length. */
const EVERY_BYTE_UP_TO = 1200;
const LONG_CUTS = 40;

/** Limits so low that random streams hit them. */
const CHOICES = [
  LIMITS,
  LIMITS,
  { maxHeaderSize: 300, maxBodySize: 50 },
  { maxHeaderSize: 256, maxTargetSize: 12, maxBodySize: 0 },
];

/** @throws with the stream in its message when two ways to read it differ */
export function fuzzParser(random: Random): void {
  const text = random(4) === 0 ? validStream(random) : mutatedStream(random);
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
