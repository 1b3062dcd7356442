// Static files, against nginx with sendfile, and what else serves a folder.

import type { Figures } from './figures.js';
import { LARGE_FILE, type ServedFile, SMALL_FILE } from './files-folder.js';
import { loadWithWrk } from './load.js';
import type { Column, Judgement, Result, Scenario } from './scenario.js';
import { type Kind, type Server, servers, type Target } from './targets.js';
import { judgeErrors, judgement, ratio } from './verdict.js';
import type { WrkLoad } from './wrk.js';

const COLUMNS: readonly Column[] = [
  { key: 'requestsPerSecond', title: 'requests/s', digits: 1 },
  { key: 'megabytesPerSecond', title: 'MB/s', digits: 0 },
  { key: 'cpuUsPerRequest', title: 'CPU µs/request', digits: 1 },
  { key: 'residentMiB', title: 'resident MiB', digits: 0 },
];
const SMALL_CONNECTIONS = 16;
const LARGE_CONNECTIONS = 4;
/** wrk's own 2 s would be short for four large files at a time on a slow machine. */
const TIMEOUT_SECONDS = 30;
/** Of nginx's requests/s. */
const MIN_FILES_RATIO = 0.9;

const KINDS: readonly Kind[] = ['paceline', 'cluster', 'http', 'bun', 'nginx'];
const servesFiles = ({ kind }: Target) => KINDS.includes(kind);

export const STATIC_SCENARIOS: readonly Scenario[] = [
  {
    name: 'static-100k',
    group: 'static',
    title: ({ seconds }) =>
      `a file of 100 KiB, ${SMALL_CONNECTIONS} connections, wrk -t1, ${seconds} s a round`,
    columns: COLUMNS,
    targets: servers(2),
    needs: 'wrk',
    warmsUp: true,
    setup: 'files',
    appliesTo: servesFiles,
    run: (server, { seconds }) =>
      measureFile(server, SMALL_FILE, { connections: SMALL_CONNECTIONS, seconds }),
    judge: judgeFiles,
  },
  {
    name: 'static-100m',
    group: 'static',
    title: ({ seconds }) =>
      `a file of 100 MiB, ${LARGE_CONNECTIONS} connections, wrk -t1, ${seconds} s a round`,
    columns: COLUMNS,
    targets: servers(2),
    needs: 'wrk',
    warmsUp: true,
    setup: 'files',
    appliesTo: servesFiles,
    run: (server, { seconds }) =>
      measureFile(server, LARGE_FILE, { connections: LARGE_CONNECTIONS, seconds }),
    judge: judgeFiles,
  },
];

/**
 * Requests are counted by received bytes: wrk's own count omits the files that are incomplete at the end, a part of the work
 * that matters when a round has a hundred of them.
 */
async function measureFile(server: Server, file: ServedFile, load: WrkLoad): Promise<Figures> {
  const { bytesPerSecond, bytesRead, cpuUs, residentMiB, errors } = await loadWithWrk(server, file.path, {
    ...load,
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return {
    requestsPerSecond: bytesPerSecond! / file.bytes,
    megabytesPerSecond: bytesPerSecond! / 1e6,
    cpuUsPerRequest: cpuUs! / (bytesRead! / file.bytes),
    residentMiB: residentMiB!,
    errors: errors!,
  };
}

function judgeFiles(paceline: Result, rival: (target: string) => Result | undefined): Judgement[] {
  const nginx = rival('nginx');
  if (!nginx) return [{ word: 'not measured', text: 'the target needs nginx' }];
  const speed = ratio('requestsPerSecond', paceline, nginx);
  return [
    judgement(
      speed >= MIN_FILES_RATIO,
      `${paceline.target} serves ${speed.toFixed(2)}x the requests/s of nginx (target: at least ${MIN_FILES_RATIO}x)`,
    ),
    ...judgeErrors([paceline, nginx]),
  ];
}
