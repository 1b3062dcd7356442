// CPU time, context switches and memory of a server's processes and threads, read from /proc (proc(5)).
//
// CPU time is the first field of /proc/PID/task/TID/schedstat, in nanoseconds, summed over all threads: the file of
// the process itself holds the main thread only. utime + stime of /proc/PID/stat count in ticks of 10 ms, but keep
// the time of threads that have ended, so they are used where schedstat is missing or a thread ended in between.
// Context switches of threads that ended in between are lost.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** USER_HZ is 100 in the kernel's interface to user space on every platform that Node runs on. */
const TICK_NS = 10_000_000;

/** A server that takes less than this share of a core for so long has nothing more to start. */
const SETTLED_SHARE = 0.05;
const SETTLE_MS = 1000;
const MAX_SETTLE_MS = 60_000;

interface ThreadUse {
  readonly cpuNs: number;
  readonly switches: number;
}

/** The use so far of a process and of all its descendants. */
export interface Snapshot {
  readonly threads: ReadonlyMap<string, ThreadUse>;
  readonly ticksNs: number;
}

/** What was used between two snapshots. */
export interface Use {
  readonly cpuUs: number;
  readonly switches: number;
}

/** Reads what the process `rootPid` and its descendants, found by parent, have used until now. */
export function takeSnapshot(rootPid: number): Snapshot {
  const threads = new Map<string, ThreadUse>();
  let ticksNs = 0;
  for (const [pid, processTicksNs] of processTree(rootPid)) {
    ticksNs += processTicksNs;
    for (const tid of list(`/proc/${pid}/task`)) {
      const status = read(`/proc/${pid}/task/${tid}/status`);
      if (status === undefined) continue;
      let switches = 0;
      for (const [, count] of status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)/gm))
        switches += Number(count);
      const cpuNs = Number(read(`/proc/${pid}/task/${tid}/schedstat`)?.split(' ')[0] ?? 0);
      threads.set(`${pid}/${tid}`, { cpuNs, switches });
    }
  }
  return { threads, ticksNs };
}

/** What was used from `before` to `after`. */
export function useBetween(before: Snapshot, after: Snapshot): Use {
  let cpuNs = 0;
  let switches = 0;
  let exact = [...before.threads.keys()].every((thread) => after.threads.has(thread));
  for (const [thread, { cpuNs: threadNs, switches: count }] of after.threads) {
    const earlier = before.threads.get(thread);
    cpuNs += threadNs - (earlier?.cpuNs ?? 0);
    switches += count - (earlier?.switches ?? 0);
    // A thread that has run has used time, so a zero says that this kernel does not count.
    if (threadNs === 0 && count > 0) exact = false;
  }
  return { cpuUs: (exact ? cpuNs : after.ticksNs - before.ticksNs) / 1000, switches };
}

/**
 * The resident memory of a process and of all its descendants, in bytes: the proportional set size of smaps_rollup, in which a page
 * that n processes share counts as 1/n in each, so that processes compare with threads.
 */
export function residentBytes(rootPid: number): number {
  return sumOfSmaps(rootPid, /^Pss:\s+(\d+) kB/gm);
}

/** The CPU time that a process and all of its descendants have used since they began. */
export function totalCpuUs(rootPid: number): number {
  return useBetween({ threads: new Map(), ticksNs: 0 }, takeSnapshot(rootPid)).cpuUs;
}

/** Resolves once the processes take next to no CPU any more. @throws when they still do after {@link MAX_SETTLE_MS} */
export async function settled(rootPid: number): Promise<void> {
  let cpuUs = totalCpuUs(rootPid);
  for (let waitedMs = 0; waitedMs < MAX_SETTLE_MS; waitedMs += SETTLE_MS) {
    await delay(SETTLE_MS);
    const beforeUs = cpuUs;
    cpuUs = totalCpuUs(rootPid);
    if (cpuUs - beforeUs < SETTLE_MS * 1000 * SETTLED_SHARE) return;
  }
  throw new Error(`process ${rootPid} is still busy ${MAX_SETTLE_MS / 1000} s after its start`);
}

/**
 * The private memory of a process and of all its descendants, in bytes: pages that no other process has, of smaps_rollup. What a
 * fork shares with its parent is not in it, and the shared memory of threads is.
 */
export function privateBytes(rootPid: number): number {
  return sumOfSmaps(rootPid, /^Private_\w+:\s+(\d+) kB/gm);
}

/** The sum of some lines of smaps_rollup over all processes of a tree, in bytes. */
function sumOfSmaps(rootPid: number, lines: RegExp): number {
  let kib = 0;
  for (const pid of processTree(rootPid).keys()) {
    for (const [, size] of (read(`/proc/${pid}/smaps_rollup`) ?? '').matchAll(lines)) kib += Number(size);
  }
  return kib * 1024;
}

/** The processes of a tree with their CPU time in ticks, as nanoseconds. */
function processTree(rootPid: number): Map<number, number> {
  const childrenOf = new Map<number, number[]>();
  const ticksOf = new Map<number, number>();
  for (const name of list('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // The second field, the name in brackets, may hold blanks and brackets itself; the third follows the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const parent = Number(fields[1]);
    const siblings = childrenOf.get(parent);
    if (siblings) siblings.push(pid);
    else childrenOf.set(parent, [pid]);
    ticksOf.set(pid, (Number(fields[11]) + Number(fields[12])) * TICK_NS);
  }
  const tree = new Map<number, number>();
  const todo = [rootPid];
  for (let pid = todo.pop(); pid !== undefined; pid = todo.pop()) {
    const ticksNs = ticksOf.get(pid);
    if (ticksNs === undefined) continue;
    tree.set(pid, ticksNs);
    todo.push(...(childrenOf.get(pid) ?? []));
  }
  return tree;
}

/** The text of a file, or nothing where the process has ended meanwhile. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
