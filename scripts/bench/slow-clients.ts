// Clients that are slow on purpose (slowhttptest), beside an ordinary client.

import { runCommand } from './children.js';
import type { Figures } from './figures.js';
import { LARGE_FILE } from './files-folder.js';
import { loadWithClient } from './load.js';
import type { Column, Judgement, Result, Scenario, Settings } from './scenario.js';
import type { Setup } from './setups.js';
import type { Kind, Server } from './targets.js';
import { judgement } from './verdict.js';

const CONNECTIONS = 1000;
const CONNECTIONS_PER_SECOND = 500;
const PROBE_PACE_MS = 50;
/** slowhttptest exits some seconds after its test length. */
const END_LIMIT_MS = 15_000;

const COLUMNS: readonly Column[] = [
  { key: 'asked', title: 'asked', digits: 0 },
  { key: 'answered', title: 'answered', digits: 0 },
  { key: 'maxMs', title: 'max ms', digits: 1 },
  { key: 'connected', title: 'slow connections', digits: 0 },
  { key: 'available', title: 'found available', digits: 0 },
  { key: 'unavailable', title: 'unavailable', digits: 0 },
];

export const SLOW_SCENARIOS: readonly Scenario[] = [
  slow('headers', ['paceline'], 'handler', '/hello', ['-H', '-i', '2']),
  slow('body', ['paceline'], 'handler', '/echo', ['-B', '-t', 'POST', '-s', '65536', '-i', '2']),
  // Nginx shows how much of the longest wait is due to the kernel, whose memory for sockets becomes scarce.
  slow('read', ['paceline', 'nginx'], 'files', LARGE_FILE.path, [
    '-X',
    '-w',
    '512',
    '-y',
    '1024',
    '-n',
    '2',
    '-z',
    '32',
  ]),
];

function slow(
  part: string,
  kinds: readonly Kind[],
  setup: Setup,
  path: string,
  mode: readonly string[],
): Scenario {
  return {
    name: `slow-${part}`,
    group: 'slow',
    title: ({ slowSeconds }) =>
      `slowhttptest ${mode[0]}, ${CONNECTIONS} connections for ${slowSeconds} s, while another client asks /hello on a fresh connection every ${PROBE_PACE_MS} ms`,
    columns: COLUMNS,
    maxRounds: 1,
    needs: 'slowhttptest',
    setup,
    appliesTo: ({ kind }) => kinds.includes(kind),
    run: (server, settings) => measureSlow(server, path, mode, settings),
    judge: judgeSlow,
  };
}

async function measureSlow(
  { port }: Server,
  path: string,
  mode: readonly string[],
  { slowSeconds }: Settings,
): Promise<Figures> {
  const limitMs = slowSeconds * 1000 + END_LIMIT_MS;
  const url = `http://127.0.0.1:${port}${path}`;
  const bounds = ['-c', `${CONNECTIONS}`, '-r', `${CONNECTIONS_PER_SECOND}`, '-l', `${slowSeconds}`];
  let report: Figures = {};
  const probe = await loadWithClient({ kind: 'probe', port, paceMs: PROBE_PACE_MS }, limitMs, async () => {
    report = parseReport(await runCommand('slowhttptest', [...mode, ...bounds, '-u', url], limitMs));
  });
  return { ...probe, ...report };
}

/** slowhttptest prints a coloured status every five seconds. */
function parseReport(output: string): Figures {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours begin with ESC
  const text = output.replace(/\x1b\[[\d;]*[A-Za-z]/g, '');
  const connected = [...text.matchAll(/^connected:\s+(\d+)/gm)].map(([, count]) => Number(count));
  const verdicts = [...text.matchAll(/^service available:\s+(YES|NO)/gm)].map(([, word]) => word);
  if (connected.length === 0 || verdicts.length === 0) {
    throw new Error(`slowhttptest reported something unexpected:\n${text}`);
  }
  return {
    connected: Math.max(...connected),
    available: verdicts.filter((word) => word === 'YES').length,
    unavailable: verdicts.filter((word) => word === 'NO').length,
  };
}

/** Every request beside the slow clients must be answered, and slowhttptest must find the service available. */
function judgeSlow(paceline: Result): Judgement[] {
  const total = (key: string) => paceline.rounds.reduce((sum, figures) => sum + figures[key]!, 0);
  const maxMs = Math.max(...paceline.rounds.map((figures) => figures.maxMs!));
  const unavailable = total('unavailable');
  return [
    judgement(
      total('answered') === total('asked'),
      `${paceline.target} answered ${total('answered')} of ${total('asked')} requests beside the slow clients, within ${maxMs.toFixed(1)} ms (target: all)`,
    ),
    judgement(
      unavailable === 0,
      `slowhttptest found the service available in ${total('available')} of ${total('available') + unavailable} probes (target: all)`,
    ),
  ];
}
