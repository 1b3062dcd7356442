/**
 * Collects the chunks of streamed bodies before they pile up.
 *
 * A chunk is the app's once it has it, so its memory comes back only when V8 finds it dead. On its own V8 looks for dead
 * buffers after 32 MiB of new ones (Node.js 20 and 22) or 64 MiB (24 and later, and then in the whole heap, because so much
 * external memory makes it mark). A scavenge every few MiB keeps a stream's memory small and costs no speed: the scavenges
 * are short, malloc has used pages to give more often (half the page faults on Node.js 24), and marking has no cause to begin.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Bytes of chunks between two scavenges. 4, 8 and 16 MiB were measured to be equally fast on Node.js 20 to 26; with 8 a
 * process that streams 1 GiB grows by some 30 MiB at most.
 */
export const SCAVENGE_BYTES = 8 * 1024 * 1024;
/** Another thread may clear the flag between its being set here and its being read. It will not do so each time. */
const TRIES = 10;

type Collect = (options: { type: 'minor' }) => void;

/** Undefined until it is needed: most threads never stream that much. */
let collect: Collect | null | undefined;
let bytesSince = 0;

/** A chunk of a streamed body of `bytes` bytes goes to its consumer, and is soon of no use to anyone. */
export function passedOn(bytes: number): void {
  bytesSince += bytes;
  if (bytesSince < SCAVENGE_BYTES) return;
  bytesSince = 0;
  if (collect === undefined) collect = findCollect();
  collect?.({ type: 'minor' });
}

/**
 * V8's own function `gc`. A context has it that is made while the flag is set: for a moment only, as apps are not to find it
 * among their globals.
 *
 * @returns null when V8 does not give it; memory is then bounded by what V8 does on its own
 */
function findCollect(): Collect | null {
  // Whoever started Node.js with --expose-gc keeps it.
  let found = gcOfNewContext();
  for (let tries = 0; found === null && tries < TRIES; tries++) {
    setFlagsFromString('--expose-gc');
    found = gcOfNewContext();
    setFlagsFromString('--no-expose-gc');
  }
  return found;
}

const gcOfNewContext = (): Collect | null => runInNewContext('globalThis.gc ?? null') as Collect | null;
