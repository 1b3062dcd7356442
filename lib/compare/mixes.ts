/** What the servers are asked for, and the mixes of the demo app. */

/** One kind of request. */
export interface Kind {
  /** What its figures are called. */
  readonly name: string;
  readonly path: string;
  /** Its share of the requests, as part of the sum of all weights. */
  readonly weight: number;
  /** Whether its handler holds its thread, so that others may wait behind it. */
  readonly holds: boolean;
}

/** New connections with one request each, all due at the same moment, once a second. They come on top of the rate. */
export interface Burst {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
}

export interface Mix {
  readonly name: string;
  readonly title: string;
  /** One sentence. */
  readonly about: string;
  /** The first one is the fast one, to which the figures that matter first belong. */
  readonly kinds: readonly [Kind, ...Kind[]];
  readonly burst: Burst | null;
}

const kind = (name: string, path: string, weight: number, holds = false): Kind => ({
  name,
  path,
  weight,
  holds,
});
const FAST = 'fast';

/** Of the demo app; see demo/app.ts for the routes. */
export const DEMO_MIXES: readonly Mix[] = [
  {
    name: 'fast',
    title: 'Fast only',
    about: 'Every handler answers at once.',
    kinds: [kind(FAST, '/hello', 1)],
    burst: null,
  },
  {
    name: 'blocking',
    title: '1 % blocking',
    about: 'One request of a hundred blocks its thread for 20 ms, as a synchronous database call does.',
    kinds: [kind(FAST, '/hello', 99), kind('blocking', '/block?ms=20', 1, true)],
    burst: null,
  },
  {
    name: 'cpu',
    title: 'CPU 2 ms',
    about: 'One request of ten computes for 2 ms.',
    kinds: [kind(FAST, '/hello', 9), kind('CPU', '/spin?ms=2', 1, true)],
    burst: null,
  },
  {
    name: 'async',
    title: 'Async 5 ms',
    about: 'Every other request awaits a timer of 5 ms; its thread is free meanwhile.',
    kinds: [kind(FAST, '/hello', 1), kind('async', '/sleep?ms=5', 1)],
    burst: null,
  },
  {
    name: 'waiting',
    title: 'Waiting beside blocking',
    about: 'Requests that await a timer of 5 ms, beside 2 % that block their thread for 20 ms.',
    kinds: [
      kind(FAST, '/hello', 49),
      kind('async', '/sleep?ms=5', 49),
      kind('blocking', '/block?ms=20', 2, true),
    ],
    burst: null,
  },
  {
    name: 'burst',
    title: 'Bursts of connections',
    about: 'Every second 40 new connections at the same moment, with one request each, beside fast requests.',
    kinds: [kind(FAST, '/hello', 1)],
    burst: { name: 'new connection', path: '/hello', connections: 40 },
  },
];

export const DEFAULT_MIX = 'blocking';

/** The kind of request number `n`: a number of `kinds`. It is the same for every server, and in every run. */
export function kindOf(n: number, kinds: readonly Kind[]): number {
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0);
  let left = shuffled(n) * total;
  const found = kinds.findIndex(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  return found < 0 ? 0 : found;
}

/** A number from 0 to 1 that looks random, but belongs to `n` (the mixing function of mulberry32). */
function shuffled(n: number): number {
  let bits = Math.imul(n + 1, 0x6d2b79f5);
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
}
