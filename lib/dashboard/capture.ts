/**
 * Records a trace for some time and hands it out in parts as it comes, so that neither a long one stalls the main thread
 * nor a slow reader fills its memory: while the reader does not keep up nothing is read from the rings, and what is
 * overwritten meanwhile is a hole in the trace that says so.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Observed } from '../control/observation.js';
import { type TraceFacts, TraceWriter } from './trace.js';

/** Between two readings of the rings: a busy thread fills one in some milliseconds. */
const READ_MS = 3;
/** Between two samples for the counters. */
const COUNT_MS = 100;

/** Where the text goes. */
export interface TraceSink {
  /** Resolves once the sink takes more. */
  write(text: string): Promise<void>;
}

/**
 * @param ms how long; 0 for what the rings hold already
 * @param signal ends it early, as a whole file all the same; its reason says why in the file
 */
export async function captureTrace(
  observed: Observed,
  facts: TraceFacts,
  { ms, sink, signal }: { ms: number; sink: TraceSink; signal: AbortSignal },
): Promise<void> {
  const reader = observed.readTransitions(true);
  const begin = observed.now();
  const first = reader.next();
  const trace = new TraceWriter(facts, first, observed.observe(), begin);
  let counted = begin;
  while (observed.now() - begin < ms && !signal.aborted && !trace.full) {
    await delay(READ_MS);
    const readAt = observed.now();
    trace.add(reader.next(), readAt);
    if (readAt - counted >= COUNT_MS) {
      trace.count(observed.observe());
      counted = readAt;
    }
    const text = trace.take();
    if (text !== '') await sink.write(text);
  }
  trace.end(signal.aborted ? String(signal.reason) : '');
  await sink.write(trace.take());
}
