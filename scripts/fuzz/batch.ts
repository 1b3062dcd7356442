/** One batch, chosen by a seed: streams for the parser alone, then a server and its clients. */
import { randomOf } from '../../spec/support/random.js';
import { fuzzConnections, type Tally } from './connections.js';
import { fuzzParser } from './parser.js';

/** Streams for the parser in each batch. */
export const PARSER_STREAMS = 300;

/** @throws with what is wrong */
export async function fuzzBatch(seed: number): Promise<Tally> {
  for (let stream = 0; stream < PARSER_STREAMS; stream++)
    fuzzParser(randomOf(seed * PARSER_STREAMS + stream));
  return fuzzConnections(randomOf(seed));
}
