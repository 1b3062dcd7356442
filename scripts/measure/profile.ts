/**
 * Where the CPU time of a request goes, by parts of the system: real-get of the benchmark, from samples of perf(1), servers in turns.
 *
 *   node dist/scripts/measure/profile.js [TARGET,TARGET... [ROUNDS]]
 *
 * Targets are those of `npm run bench`. A sample is charged to the function in which the thread was, so what the kernel does on behalf of a
 * call is not charged to the call.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { cleanUpAtExit, endChildren, runCommand, temporaryDirectory } from '../bench/children.js';
import { wrkScript } from '../bench/real-requests.js';
import { start } from '../bench/start.js';
import { parseTarget, type Server } from '../bench/targets.js';
import { runWrk } from '../bench/wrk.js';

const [names = 'paceline-2,half-sync-half-async-3,paceline-1,reactor', rounds = '5'] = process.argv.slice(2);
const CONNECTIONS = 64;
const SECONDS = 3;
const WARM_UP_SECONDS = 2;
/** Samples a second; no divisor of the kernel's own timers. */
const FREQUENCY = 1999;
const MAX_SAMPLES_BYTES = 1 << 30;

/** The parts, each with what its samples' lines of `perf script` match; the first that matches counts. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ['JavaScript', /\((?:\/tmp\/perf-\d+\.map|\[JIT\][^)]*|\/\/anon|anon_inode[^)]*)\)$/],
  ["Node's binary", /\/node\)$/],
  ['kernel: epoll, futex', /^(?:do_|sys_|__x64_sys_|__)?(?:ep_|epoll|eventpoll|futex).*\(\[.*\]\)$/],
  [
    'kernel: scheduler',
    /(?:sched|switch|wake|ttwu|pick_|dequeue|enqueue|update_|select_task|resched|_idle).*\(\[.*\]\)$/,
  ],
  [
    'kernel: network',
    /^(?:tcp|inet|ip_|__ip|skb|__skb|sock|loopback|net|dev_|__dev|__tcp|__local_bh|handle_softirqs|csum|_?copy|eth_|__inet|process_backlog|validate_xmit|nf_|rep_movs|__alloc_skb|kmem|kfree|__kmalloc|__check_object|import_).*\(\[.*\]\)$/,
  ],
  ['kernel: other', /\(\[(?!vdso).*\]\)$/],
  ['libraries', /./],
];

/** Microseconds of CPU a request in each part, and in all. */
async function profile({ pid, port }: Server): Promise<number[]> {
  const file = join(temporaryDirectory(), 'perf.data');
  const sampled = runCommand(
    'perf',
    ['record', '-e', 'cpu-clock', '-F', `${FREQUENCY}`, '-p', `${pid}`, '-o', file, 'sleep', `${SECONDS}`],
    SECONDS * 1000 + 10_000,
  );
  const { requests } = await load(port, SECONDS);
  await sampled;
  const text = execFileSync('perf', ['script', '-i', file, '-F', 'ip,sym,dso'], {
    encoding: 'utf8',
    maxBuffer: MAX_SAMPLES_BYTES,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const counts = PARTS.map(() => 0);
  for (const [, sample] of text.matchAll(/^\s*[0-9a-f]+ (.*\))$/gm)) {
    counts[PARTS.findIndex(([, pattern]) => pattern.test(sample!))]!++;
  }
  const micros = counts.map((count) => ((count / FREQUENCY) * 1e6) / requests);
  return [micros.reduce((sum, part) => sum + part, 0), ...micros];
}

const load = (port: number, seconds: number) =>
  runWrk(`http://127.0.0.1:${port}/`, { connections: CONNECTIONS, seconds, script: wrkScript('real-get') });

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

cleanUpAtExit();
const servers: { server: Server; profiles: number[][] }[] = [];
for (const name of names.split(',')) {
  const target = parseTarget(name);
  if (target === undefined) throw new Error(`no target: ${name}`);
  const server = await start(target, 'real');
  await load(server.port, WARM_UP_SECONDS);
  servers.push({ server, profiles: [] });
}
for (let round = 0; round < Number(rounds); round++) {
  for (const { server, profiles } of servers) profiles.push(await profile(server));
}
console.log(`node ${process.version}, CPU µs a request, medians of ${rounds} rounds of ${SECONDS} s`);
console.log(['', 'total', ...PARTS.map(([name]) => name)].join(' | '));
for (const { server, profiles } of servers) {
  const medians = profiles[0]!.map((_, part) => median(profiles.map((one) => one[part]!)).toFixed(2));
  console.log([server.target.name, ...medians].join(' | '));
}
await endChildren();
