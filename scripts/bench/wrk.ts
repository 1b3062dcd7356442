// The load generator wrk (https://github.com/wg/wrk): a closed loop, so its latencies omit what a client with a
// fixed rate would have waited. That favours servers that stall; all targets are measured alike.

import { runCommand } from './children.js';

/** How long wrk may take beyond its measuring time, in milliseconds. */
const GRACE_MS = 10_000;

export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly bytesRead: number;
  readonly bytesPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Socket errors, time-outs and answers other than 2xx or 3xx. */
  readonly errors: number;
}

/** The load that wrk generates. */
export interface WrkLoad {
  readonly connections: number;
  readonly seconds: number;
  /** The wait after which an answer counts as an error. Default: 2, as in wrk. */
  readonly timeoutSeconds?: number;
  /** The file of a script that makes the requests. Default: a GET of the URL, always the same. */
  readonly script?: string | undefined;
}

/** Requests `url` from one thread of wrk over kept-alive connections for some seconds. */
export async function runWrk(url: string, load: WrkLoad): Promise<WrkResult> {
  const { connections, seconds, timeoutSeconds = 2, script } = load;
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', `--timeout=${timeoutSeconds}s`];
  if (script !== undefined) args.push('-s', script);
  args.push(url);
  return parseReport(await runCommand('wrk', args, seconds * 1000 + GRACE_MS));
}

function parseReport(report: string): WrkResult {
  const requests = /(\d+) requests in/.exec(report);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(report);
  const read = /requests in [^,]+, ([\d.]+)([KMGT]?)B read/.exec(report);
  const transfer = /Transfer\/sec:\s+([\d.]+)([KMGT]?)B/.exec(report);
  const p50 = /^\s+50%\s+([\d.]+)(us|ms|s|m)$/m.exec(report);
  const p99 = /^\s+99%\s+([\d.]+)(us|ms|s|m)$/m.exec(report);
  if (!requests || !rate || !read || !transfer || !p50 || !p99)
    throw new Error(`wrk reported something unexpected:\n${report}`);
  let errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0);
  for (const [, count] of (/Socket errors: (.*)/.exec(report)?.[1] ?? '').matchAll(/(\d+)/g))
    errors += Number(count);
  return {
    requests: Number(requests[1]),
    requestsPerSecond: Number(rate[1]),
    bytesRead: bytes(read),
    bytesPerSecond: bytes(transfer),
    p50Us: microseconds(p50),
    p99Us: microseconds(p99),
    errors,
  };
}

function microseconds([, value, unit]: RegExpExecArray): number {
  const scale = { us: 1, ms: 1e3, s: 1e6, m: 60e6 }[unit as 'us' | 'ms' | 's' | 'm'];
  return Number(value) * scale;
}

/** wrk's units are powers of 1024. */
function bytes([, value, unit]: RegExpExecArray): number {
  return Number(value) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit!);
}
