/**
 * What a server's threads have used, from /proc (proc(5)): CPU time is the first field of /proc/PID/task/TID/schedstat, in nanoseconds.
 * The main thread is left out, because it serves the page's feed and no request.
 */
import { readdirSync, readFileSync } from 'node:fs';

interface ThreadUse {
  readonly cpuUs: number;
  readonly switches: number;
}

/** The use so far of each thread but the main one. */
export type ProcessUse = ReadonlyMap<string, ThreadUse>;

/** Reads what the threads of a process have used until now; nothing of one that has ended. */
export function useOf(pid: number): ProcessUse {
  const use = new Map<string, ThreadUse>();
  for (const tid of threadsOf(pid)) {
    if (tid === String(pid)) continue;
    const status = read(`/proc/${pid}/task/${tid}/status`);
    const schedule = read(`/proc/${pid}/task/${tid}/schedstat`);
    let switches = 0;
    for (const [, count] of status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)/gm))
      switches += Number(count);
    use.set(tid, { cpuUs: Number(schedule.split(' ')[0]) / 1000, switches });
  }
  return use;
}

/** What was used between two readings. What threads used that ended between them is lost. */
export function useBetween(before: ProcessUse, after: ProcessUse): ThreadUse {
  let cpuUs = 0;
  let switches = 0;
  for (const [tid, now] of after) {
    const earlier = before.get(tid) ?? { cpuUs: 0, switches: 0 };
    cpuUs += now.cpuUs - earlier.cpuUs;
    switches += now.switches - earlier.switches;
  }
  return { cpuUs, switches };
}

/** USER_HZ is 100 in the kernel's interface to user space on every platform that Node.js runs on. */
const TICK_MS = 10;

/** The CPU time of a process so far, all threads included, in milliseconds; 0 of one that has ended. */
export function cpuMsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // The second field, the name in brackets, may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' ? 0 : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
