/**
 * Fuzzes what faces the network: the parser alone, then a server with its threads. Exits with 1 at the first failure, and
 * prints the seed that repeats it; that seed then belongs into spec/integration/http/fuzz.ts.
 *
 *   node dist/scripts/fuzz.js [--seconds N] [--seed S]
 */
import { parseArgs } from 'node:util';
import { fuzzBatch, PARSER_STREAMS } from './fuzz/batch.js';
import { Watchdog } from './fuzz/watchdog.js';

/** Shows progress, and about where it was if the process crashes. */
const PROGRESS_MS = 30_000;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' } },
});
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000);
const startMs = performance.now();
const endMs = startMs + Number(values.seconds) * 1000;

let batches = 0;
let connections = 0;
let requests = 0;
let handOvers = 0;
let poolPeak = 0;
let progressMs = startMs;

function report(what: string): void {
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(
    `${batches} batches from seed ${firstSeed} on in ${seconds} s: ${batches * PARSER_STREAMS} streams parsed in every split, ` +
      `${connections} connections, ${requests} requests answered, ${handOvers} handed over, at most ${poolPeak} blocks of the pool in use: ${what}`,
  );
}

const watchdog = await Watchdog.start();
try {
  do {
    const seed = firstSeed + batches;
    watchdog.begin(seed);
    const tally = await fuzzBatch(seed);
    batches++;
    connections += tally.connections;
    requests += tally.requests;
    handOvers += tally.handOvers;
    poolPeak = Math.max(poolPeak, tally.poolPeak);
    if (performance.now() - progressMs < PROGRESS_MS) continue;
    progressMs = performance.now();
    report('goes on');
  } while (performance.now() < endMs);
  report('nothing found');
} catch (error) {
  console.error(error);
  console.error(
    `failed in batch ${batches + 1}; again: node dist/scripts/fuzz.js --seconds 1 --seed ${firstSeed + batches}`,
  );
  process.exitCode = 1;
}
