/**
 * Fuzzes what faces the network: the parser alone, then a server with its threads. Ends with 1 at the first failure, and
 * says which seed shows it again.
 *
 *   node dist/scripts/fuzz.js [--seconds N] [--seed S]
 */
import { parseArgs } from 'node:util';
import { randomOf } from '../spec/support/random.js';
import { fuzzConnections } from './fuzz/connections.js';
import { fuzzParser } from './fuzz/parser.js';

/** Streams for the parser in each batch: about as long as the connections take. */
const PARSER_STREAMS = 150;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' } },
});
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000);
const endMs = performance.now() + Number(values.seconds) * 1000;

async function batch(seed: number): Promise<void> {
  for (let stream = 0; stream < PARSER_STREAMS; stream++)
    fuzzParser(randomOf(seed * PARSER_STREAMS + stream));
  await fuzzConnections(randomOf(seed));
}

let batches = 0;
try {
  do await batch(firstSeed + batches++);
  while (performance.now() < endMs);
  console.log(`${batches} batches from seed ${firstSeed} on: nothing found`);
} catch (error) {
  const seed = firstSeed + batches - 1;
  console.error(error);
  console.error(`failed in batch ${batches}; again: node dist/scripts/fuzz.js --seconds 1 --seed ${seed}`);
  process.exitCode = 1;
}
