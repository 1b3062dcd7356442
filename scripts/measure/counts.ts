/**
 * What one request costs in events inside of the runtime: wake-ups, parks, waits in the kernel, passes of the event loop;
 * and in CPU time of this process, which runs nothing but the server. Needless wake-ups show here first.
 *
 *   node dist/scripts/measure/counts.js [THREADS [PATH [CONNECTIONS [APP]]]]
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from '../../lib/index.js';

const ROUNDS = 3;
const SECONDS = 2;
const [threads = '4', path = '/hello', connections = '64', app] = process.argv.slice(2);

/** Nanoseconds on a CPU of all threads of this process (/proc/PID/task/TID/schedstat). */
function cpuNs(): number {
  let sum = 0;
  for (const id of readdirSync('/proc/self/task')) {
    sum += Number(readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8').split(' ')[0]);
  }
  return sum;
}

function load(url: string): Promise<string> {
  const wrk = spawn('wrk', ['-t1', `-c${connections}`, `-d${SECONDS}`, '--latency', url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  wrk.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    wrk.on('error', () => reject(new Error('wrk is not installed; on Debian: apt-get install wrk')));
    wrk.on('close', () => resolve(output));
  });
}

await using server = createServer({ threads: Number(threads), app });
await server.listen({ port: 0 });
const { port } = server.address() as { port: number };

function totals(): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { id: _, state: __, role: ___, ...counters } of server.threads()) {
    for (const [name, count] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

await load(`http://127.0.0.1:${port}${path}`);
for (let round = 0; round < ROUNDS; round++) {
  const before = totals();
  const cpuBefore = cpuNs();
  const output = await load(`http://127.0.0.1:${port}${path}`);
  const cpu = cpuNs() - cpuBefore;
  const after = totals();
  const requests = after.requests! - before.requests!;
  console.log(
    `${/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]} requests/s, ${(cpu / 1000 / requests).toFixed(2)} us of CPU a request; for each request:`,
  );
  for (const name of Object.keys(after)) {
    console.log(`  ${name.padEnd(14)} ${((after[name]! - before[name]!) / requests).toFixed(4)}`);
  }
}
