// CPU time, context switches and memory of a server's processes and threads, read from /proc (proc(5)).
//
// CPU time is the first field of /proc/PID/task/TID/schedstat, in nanoseconds, summed over all threads: the file of
// the process itself holds the main thread only. utime + stime of /proc/PID/stat count in ticks of 10 ms, but keep
// the time of threads that have ended, so they are used where schedstat is missing or a thread ended in between.
// Context switches of threads that ended in between are lost.

import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ is 100 in the kernel's interface to user space on every platform that Node runs on. */
const TICK_NS = 10_000_000;

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

/** The resident memory of a process and of all its descendants, in bytes: VmRSS, which counts shared pages too. */
export function residentBytes(rootPid: number): number {
  let kib = 0;
  for (const pid of processTree(rootPid).keys()) {
    kib += Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
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
