// The stream of server-sent events at `/ticks?ms=`, the same on every server: each event has a number and the time when it
// was sent, in milliseconds on the server's monotonic clock.
//
// Event k is due k * ms after the first one, however late the one before was: with setInterval, which counts from the
// last call, the delays would add up and the client could not know when an event was due.

/** What a response needs to be an event stream. */
export const TICK_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' };

/** Bounds `?ms=`: a mistyped pace neither floods the client nor never ticks. */
const MIN_MS = 1;
const MAX_MS = 10_000;
const DEFAULT_MS = 50;

/** The pace of the ticks that `?ms=` asks for, in milliseconds. */
export function tickPace(ms: string | null): number {
  return Math.min(Math.max(Number(ms ?? DEFAULT_MS) || DEFAULT_MS, MIN_MS), MAX_MS);
}

/** Sends ticks from now on. @returns a function that ends them */
function startTicks(ms: number, send: (event: string) => void): () => void {
  const startMs = performance.now();
  let count = 0;
  const tick = () => {
    send(`id: ${count}\ndata: ${performance.now()}\n\n`);
    count += 1;
    timer = setTimeout(tick, Math.max(startMs + count * ms - performance.now(), 0));
  };
  let timer = setTimeout(tick, 0);
  return () => clearTimeout(timer);
}

/** The ticks as the body of a fetch-style response; they end when it is cancelled. */
export function tickStream(ms: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop = () => {};
  return new ReadableStream({
    start: (controller) => {
      stop = startTicks(ms, (event) => controller.enqueue(encoder.encode(event)));
    },
    cancel: () => stop(),
  });
}
