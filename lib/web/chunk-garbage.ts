/**
 * Has the garbage collector free the chunks of streamed bodies before they pile up.
 *
 * A chunk belongs to the app once it is delivered, so its memory is freed only when V8 finds it dead. By itself V8 looks for
 * dead buffers after 32 MiB of new ones (Node.js 20 and 22) or 64 MiB (24 and later, and then in the whole heap, because so
 * much external memory starts marking). A scavenge every few MiB keeps a stream's memory small and costs no speed: the
 * scavenges are short, malloc reuses touched pages more often (half the page faults on Node.js 24), and marking never starts.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Bytes of chunks between two scavenges. 4, 8 and 16 MiB were measured to be equally fast on Node.js 20 to 26; with 8 a
 * process that streams 1 GiB grows by some 30 MiB at most.
 */
export const SCAVENGE_BYTES = 8 * 1024 * 1024;
/** Another thread may clear the flag after it is set here and before it is read; not every time, hence several tries. */
const TRIES = 10;

type Collect = (options: { type: 'minor' }) => void;

/** undefined until it is needed: most threads never stream that much. */
let collect: Collect | null | undefined;
let bytesSince = 0;

/** Counts a chunk of `bytes` bytes that goes to its consumer and will soon be garbage; collects every SCAVENGE_BYTES. */
export function passedOn(bytes: number): void {
  bytesSince += bytes;
  if (bytesSince < SCAVENGE_BYTES) return;
  bytesSince = 0;
  if (collect === undefined) collect = findCollect();
  collect?.({ type: 'minor' });
}

/**
 * V8's own function `gc`. A context that is created while the flag is set has it. The flag is set only for that moment, so
 * that apps do not find `gc` among their globals.
 *
 * @returns null when V8 does not provide it; memory is then bounded by V8's own heuristics
 */
function findCollect(): Collect | null {
  // Node.js that was started with --expose-gc keeps it.
  let found = gcOfNewContext();
  for (let tries = 0; found === null && tries < TRIES; tries++) {
    setFlagsFromString('--expose-gc');
    found = gcOfNewContext();
    setFlagsFromString('--no-expose-gc');
  }
  return found;
}

const gcOfNewContext = (): Collect | null => runInNewContext('globalThis.gc ?? null') as Collect | null;
