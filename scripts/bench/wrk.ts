// The load generator wrk (https://github.com/wg/wrk): a closed loop, so its latencies leave out what a client with a
// rate of its own would have waited. That favours servers that stall; all targets are measured alike.

import { runCommand } from './children.js';

export const WRK_HINT =
  'wrk was not found on PATH: get it with "apt-get install wrk" (Debian, Ubuntu) or from https://github.com/wg/wrk';

/** How long wrk may take beyond its measuring time, in milliseconds. */
const GRACE_MS = 10_000;

export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Socket errors, time-outs and answers other than 2xx or 3xx. */
  readonly errors: number;
}

/** Asks `url` from one thread of wrk over kept-alive connections for some seconds. */
export async function runWrk(url: string, connections: number, seconds: number): Promise<WrkResult> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url];
  return parseReport(await runCommand('wrk', args, seconds * 1000 + GRACE_MS));
}

function parseReport(report: string): WrkResult {
  const requests = /(\d+) requests in/.exec(report);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(report);
  const p50 = /^\s+50%\s+([\d.]+)(us|ms|s|m)$/m.exec(report);
  const p99 = /^\s+99%\s+([\d.]+)(us|ms|s|m)$/m.exec(report);
  if (!requests || !rate || !p50 || !p99) throw new Error(`wrk reported something unexpected:\n${report}`);
  let errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0);
  for (const [, count] of (/Socket errors: (.*)/.exec(report)?.[1] ?? '').matchAll(/(\d+)/g))
    errors += Number(count);
  return {
    requests: Number(requests[1]),
    requestsPerSecond: Number(rate[1]),
    p50Us: microseconds(p50),
    p99Us: microseconds(p99),
    errors,
  };
}

function microseconds([, value, unit]: RegExpExecArray): number {
  const scale = { us: 1, ms: 1e3, s: 1e6, m: 60e6 }[unit as 'us' | 'ms' | 's' | 'm'];
  return Number(value) * scale;
}
