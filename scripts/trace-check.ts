/**
 * Checks a trace that the dashboard recorded: that it is well formed, and that it keeps the promises of the pattern.
 *
 * - it is JSON, and every event has what its kind needs; times are whole and not negative, and each counter's increase
 * - every thread has a track with slices, and on a track no slice begins before the one before it has ended
 * - never two leaders at once
 * - every promotion has a source and a target: it begins on a slice of a leader that has ended by the time it arrives, and
 *   arrives at the beginning of a slice of another leader
 *
 *   npm run trace-check -- FILE
 *
 * Prints one line; exits 1 when something is wrong.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface TraceEvent {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly name?: string;
  readonly id?: number;
  readonly bp?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

interface Slice {
  readonly tid: number;
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface Verdict {
  /** What was counted, for the line that is printed. */
  readonly summary: string;
  /** What is wrong; empty for nothing. */
  readonly faults: readonly string[];
}

/** How many problems are listed. */
const MAX_FAULTS = 20;

export function checkTrace(text: string): Verdict {
  const faults: string[] = [];
  const fault = (sentence: string): void => {
    if (faults.length < MAX_FAULTS) faults.push(sentence);
  };
  const events = readEvents(text, fault);
  const slices = events.filter(({ ph }) => ph === 'X').map(sliceOf);
  const tracks = byTrack(slices);
  for (const [tid, track] of tracks) checkTrack(tid, track, fault);
  const threads = checkThreads(events, tracks, fault);
  const leaders = checkLeaders(slices, fault);
  const promotions = checkPromotions(events, tracks, fault);
  checkCounters(events, fault);
  const instants = events.filter(({ ph }) => ph === 'i');
  const holes = instants.filter(({ args }) => args?.missed !== undefined).length;
  const handedOver = instants.filter(({ args }) => args?.handOver === 'given').length;
  const ms = Math.round(events.reduce((latest, { ts, dur = 0 }) => Math.max(latest, ts + dur), 0) / 1000);
  return {
    summary: `${events.length} events of ${threads} threads in ${ms} ms: ${slices.length} slices, ${leaders} of them of leaders, ${promotions} promotions, ${handedOver} hand-overs, ${holes} holes`,
    faults,
  };
}

type Fault = (sentence: string) => void;

function readEvents(text: string, fault: Fault): TraceEvent[] {
  let trace: { traceEvents?: unknown; displayTimeUnit?: unknown; otherData?: unknown };
  try {
    trace = JSON.parse(text) as typeof trace;
  } catch (error) {
    fault(`it is no JSON: ${(error as Error).message}`);
    return [];
  }
  if (trace.displayTimeUnit !== 'ms' || typeof trace.otherData !== 'object') {
    fault('displayTimeUnit or otherData is missing');
  }
  if (!Array.isArray(trace.traceEvents)) {
    fault('traceEvents is no list');
    return [];
  }
  return (trace.traceEvents as TraceEvent[]).filter((event, index) => {
    const wrong = faultOf(event);
    if (wrong !== null) fault(`event ${index} ${wrong}: ${JSON.stringify(event)}`);
    return wrong === null;
  });
}

function faultOf({ ph, pid, tid, ts, dur, name, id, bp, args }: TraceEvent): string | null {
  if (!Number.isInteger(pid) || !Number.isInteger(tid)) return 'has no pid or tid';
  if (!Number.isInteger(ts) || ts < 0) return 'has no time';
  if (typeof name !== 'string' || name === '') return 'has no name';
  if (ph === 'X') return Number.isInteger(dur) && dur! >= 0 ? null : 'has no duration';
  if (ph === 's') return Number.isInteger(id) ? null : 'has no id';
  if (ph === 'f')
    return Number.isInteger(id) && bp === 'e' ? null : 'has no id, or does not bind to its slice';
  if (ph === 'C') return typeof args?.value === 'number' ? null : 'has no value';
  if (ph === 'M') return typeof args === 'object' ? null : 'has no args';
  if (ph === 'i') return faultOfInstant(args);
  return 'is of no known kind';
}

/** An instant is a hole in the trace, one side of a hand-over, or the beginning of a further request. */
function faultOfInstant(args: TraceEvent['args']): string | null {
  if (args?.request === 'next') return null;
  if (args?.handOver !== undefined)
    return args.handOver === 'given' || args.handOver === 'taken' ? null : 'is no side of a hand-over';
  return Number(args?.missed) > 0 ? null : 'does not say how much was missed';
}

const sliceOf = ({ tid, name, ts, dur }: TraceEvent): Slice => ({
  tid,
  name: name!,
  start: ts,
  end: ts + dur!,
});

function byTrack(slices: Slice[]): Map<number, Slice[]> {
  const tracks = new Map<number, Slice[]>();
  for (const slice of slices) {
    const track = tracks.get(slice.tid);
    if (track === undefined) tracks.set(slice.tid, [slice]);
    else track.push(slice);
  }
  return tracks;
}

function checkTrack(tid: number, track: Slice[], fault: Fault): void {
  let before: Slice | null = null;
  for (const slice of track) {
    if (before !== null && slice.start < before.end) {
      fault(`on track ${tid} ${shown(slice)} begins inside ${shown(before)}`);
    }
    before = slice;
  }
}

/** @returns how many threads there are */
function checkThreads(events: TraceEvent[], tracks: Map<number, Slice[]>, fault: Fault): number {
  const named = events.filter(({ ph, name }) => ph === 'M' && name === 'thread_name');
  if (named.length === 0) fault('no thread has a name');
  for (const { tid, args } of named) if (!tracks.has(tid)) fault(`${args!.name} has no slice on its track`);
  for (const tid of tracks.keys()) {
    if (!named.some((event) => event.tid === tid)) fault(`track ${tid} has no name`);
  }
  return named.length;
}

/** @returns how many slices of leaders there are */
function checkLeaders(slices: Slice[], fault: Fault): number {
  const leaders = slices
    .filter(({ name }) => name === 'leader')
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let before: Slice | null = null;
  for (const slice of leaders) {
    if (before !== null && slice.start < before.end)
      fault(`two lead at once: ${shown(before)} and ${shown(slice)}`);
    if (before === null || slice.end >= before.end) before = slice;
  }
  return leaders.length;
}

/** @returns how many promotions there are */
function checkPromotions(events: TraceEvent[], tracks: Map<number, Slice[]>, fault: Fault): number {
  const sources = byId(events, 's', fault);
  const targets = byId(events, 'f', fault);
  const starts = new Map([...tracks].map(([tid, track]) => [tid, leadersByStart(track)]));
  for (const [id, source] of sources) {
    const target = targets.get(id);
    if (target === undefined) {
      fault(`promotion ${id} has no target`);
      continue;
    }
    const from = starts.get(source.tid)?.get(source.ts);
    const to = starts.get(target.tid)?.get(target.ts);
    if (from === undefined) fault(`promotion ${id} does not begin on a leader's slice`);
    if (to === undefined) fault(`promotion ${id} does not arrive at the beginning of a leader's slice`);
    if (source.tid === target.tid) fault(`promotion ${id} is one of a thread by itself`);
    if (from !== undefined && from.end > target.ts)
      fault(`promotion ${id} arrives before its leader steps back`);
  }
  for (const id of targets.keys()) if (!sources.has(id)) fault(`promotion ${id} has no source`);
  return sources.size;
}

function byId(events: TraceEvent[], ph: string, fault: Fault): Map<number, TraceEvent> {
  const found = new Map<number, TraceEvent>();
  for (const event of events) {
    if (event.ph !== ph) continue;
    if (found.has(event.id!)) fault(`two events ${ph} have the id ${event.id}`);
    found.set(event.id!, event);
  }
  return found;
}

const leadersByStart = (track: Slice[]): Map<number, Slice> =>
  new Map(track.filter(({ name }) => name === 'leader').map((slice) => [slice.start, slice]));

function checkCounters(events: TraceEvent[], fault: Fault): void {
  const latest = new Map<string, number>();
  for (const { ph, name, ts } of events) {
    if (ph !== 'C') continue;
    if (ts < (latest.get(name!) ?? 0)) fault(`the counter ${name} goes back in time at ${ts}`);
    latest.set(name!, ts);
  }
}

const shown = ({ tid, name, start, end }: Slice): string => `${name} of track ${tid} from ${start} to ${end}`;

function main(): void {
  const file = process.argv[2];
  if (file === undefined) {
    console.error('trace-check: name the file of a trace');
    process.exit(2);
  }
  const { summary, faults } = checkTrace(readFileSync(file, 'utf8'));
  if (faults.length === 0) console.log(`right: ${summary}`);
  else console.log(`WRONG: ${faults.join('; ')} (${summary})`);
  process.exit(faults.length === 0 ? 0 : 1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
