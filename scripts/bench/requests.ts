// What a request costs: real ones first, then bursts of small ones, a rendered page, and hello. Beside the total stands what the
// handler costs by itself, so that what the runtime adds is seen alone.

import type { Figures } from './figures.js';
import { handlerUs } from './handler-cost.js';
import { loadWithWrk, WRK_COLUMNS } from './load.js';
import { type RequestKind, wrkScript } from './real-requests.js';
import type { Column, Judge, Judgement, Result, Scenario, Settings } from './scenario.js';
import { FETCH_RUNTIMES, RUNTIMES, type Server, servers, type Target, type TargetNames } from './targets.js';
import {
  difference,
  judgeCpu,
  judgeErrors,
  judgement,
  judgeReference,
  medianOf,
  REFERENCE,
  ratio,
} from './verdict.js';

const BUN = 'bun-2';
const FLOOR = 'floor-node';
const OURS = 'paceline-2';
const HTML_TARGETS = [OURS, REFERENCE, 'fastify-2', BUN];
const ALL = servers(2);
const ALL_AND_FLOOR: TargetNames = (extent) => [...ALL(extent), FLOOR];

/** The pass marks of `real-get` and `real-post`: against node:cluster, against Bun, and what the runtime adds, against hello. */
const REAL_MARKS = { minRequests: 1.5, maxCpu: 0.55 };
const REAL_BUN_CPU_RATIO = 1.35;
const REAL_ADDED_RATIO = 1.6;
/** Older versions of Node.js have an older V8; against Bun's engine they are only shown. */
const BUN_MARK_NODE = 26;

/** The pass marks of `hello`: against node:cluster, no more CPU a request than the rivals, and not much more than the floor. */
const HELLO_MARKS = { minRequests: 1.7, maxCpu: 0.6 };
const HELLO_CPU_RIVALS = ['nginx', BUN] as const;
const HELLO_ABOVE_FLOOR_US = 4;

const [requests, cpu, ...others] = WRK_COLUMNS;
const COLUMNS: readonly Column[] = [
  requests!,
  { ...cpu!, title: 'CPU µs/request: total' },
  { key: 'handlerUs', title: 'handler', digits: 2 },
  { key: 'addedUs', title: 'runtime adds', digits: 2 },
  ...others,
];

const takesFetch = ({ kind }: Target) => FETCH_RUNTIMES.includes(kind);
const runsHandlers = ({ kind }: Target) => RUNTIMES.includes(kind);

export const REQUEST_SCENARIOS: readonly Scenario[] = [
  real('real-get', 'GET of another URL each time, ten fields of a browser, 650 bytes of JSON', judgeReal),
  real('real-post', '1 KiB of JSON posted, a short JSON answer', judgeReal),
  {
    ...common(
      'bare-get',
      'the requests of real-get, for a handler that reads the URL and one field, and answers 650 bytes from memory',
      [OURS, REFERENCE, BUN],
    ),
    columns: WRK_COLUMNS,
    group: 'real',
    setup: 'bare',
    appliesTo: takesFetch,
    run: (server, settings) => loadWithWrk(server, '/hello', { ...settings, script: wrkScript('real-get') }),
    judge: judgeBare,
  },
  {
    ...common('pipelined', '16 pipelined requests of /hello at a time', ALL),
    group: 'real',
    appliesTo: runsHandlers,
    run: (server, settings) => measure(server, settings, 'hello', wrkScript('pipelined')),
  },
  {
    ...real('html', 'a page of 16 KiB rendered by a template, ten fields of a browser'),
    targets: HTML_TARGETS,
  },
  {
    ...common('hello', 'GET /hello by a small handler', ALL_AND_FLOOR),
    appliesTo: ({ kind }) => kind !== 'paceline-file' && kind !== 'piscina',
    run: (server, settings) => measure(server, settings, 'hello'),
    judge: judgeHello,
  },
];

function common(name: string, what: string, targets: TargetNames) {
  return {
    name,
    title: ({ connections, seconds }: Settings) =>
      `${what}; ${connections} connections, wrk -t1, ${seconds} s a round`,
    columns: COLUMNS,
    targets,
    needs: 'wrk',
    warmsUp: true,
  } as const;
}

function real(name: Exclude<RequestKind, 'hello'>, what: string, judge?: Judge): Scenario {
  return {
    ...common(name, what, ALL),
    group: 'real',
    setup: 'real',
    appliesTo: runsHandlers,
    run: (server, settings) => measure(server, settings, name, wrkScript(name)),
    ...(judge && { judge }),
  };
}

async function measure(
  server: Server,
  settings: Settings,
  kind: RequestKind,
  script?: string,
): Promise<Figures> {
  const figures = await loadWithWrk(server, '/hello', { ...settings, script });
  const alone = await handlerUs(server, kind);
  if (alone === undefined) return figures;
  return { ...figures, handlerUs: alone, addedUs: figures.cpuUsPerRequest! - alone };
}

function judgeReal(
  paceline: Result,
  rival: Parameters<Judge>[1],
  elsewhere: Parameters<Judge>[2],
): Judgement[] {
  const bun = rival(BUN);
  const hello = elsewhere('hello');
  return [
    ...judgeReference(paceline, rival(REFERENCE), REAL_MARKS),
    ...(bun ? [judgeBun(paceline, bun)] : []),
    hello ? judgeAdded(paceline, hello) : { word: 'not measured', text: 'what the runtime adds needs hello' },
    ...judgeErrors([paceline, rival(REFERENCE), bun]),
  ];
}

/** The same marks where the handler's part is next to nothing: it need not be subtracted. */
function judgeBare(
  paceline: Result,
  rival: Parameters<Judge>[1],
  elsewhere: Parameters<Judge>[2],
): Judgement[] {
  const bun = rival(BUN);
  const hello = elsewhere('hello');
  const share = hello && ratio('cpuUsPerRequest', paceline, hello);
  return [
    ...judgeReference(paceline, rival(REFERENCE), REAL_MARKS),
    ...(bun ? [judgeBun(paceline, bun)] : []),
    share === undefined
      ? { word: 'not measured', text: 'the comparison with hello needs hello' }
      : judgement(
          share <= REAL_ADDED_RATIO,
          `${paceline.target} uses ${share.toFixed(2)}x the CPU of hello (target: at most ${REAL_ADDED_RATIO}x)`,
        ),
    ...judgeErrors([paceline, rival(REFERENCE), bun]),
  ];
}

function judgeHello(paceline: Result, rival: Parameters<Judge>[1]): Judgement[] {
  const floor = rival(FLOOR);
  const rivals = HELLO_CPU_RIVALS.map(rival).filter((result) => result !== undefined);
  return [
    ...judgeReference(paceline, rival(REFERENCE), HELLO_MARKS),
    ...rivals.map((other) => judgeCpu(paceline, other, 1)),
    floor
      ? judgeFloor(paceline, floor)
      : { word: 'not measured', text: `the distance to the floor needs ${FLOOR}` },
    ...judgeErrors([paceline, rival(REFERENCE), floor]),
  ];
}

function judgeBun(paceline: Result, bun: Result): Judgement {
  const judged = judgeCpu(paceline, bun, REAL_BUN_CPU_RATIO);
  if (Number(process.versions.node.split('.')[0]) >= BUN_MARK_NODE) return judged;
  return { word: 'noted', text: `${judged.text}; judged from Node.js ${BUN_MARK_NODE} on` };
}

function judgeAdded(paceline: Result, hello: Result): Judgement {
  const share = ratio('addedUs', paceline, hello);
  const [here, there] = [medianOf('addedUs', paceline), medianOf('addedUs', hello)];
  return judgement(
    share <= REAL_ADDED_RATIO,
    `${paceline.target} adds ${here.toFixed(2)} us to the handler, ${share.toFixed(2)}x the ${there.toFixed(2)} us of hello (target: at most ${REAL_ADDED_RATIO}x)`,
  );
}

function judgeFloor(paceline: Result, floor: Result): Judgement {
  const above = difference('cpuUsPerRequest', paceline, floor);
  return judgement(
    above <= HELLO_ABOVE_FLOOR_US,
    `${paceline.target} uses ${above.toFixed(2)} us of CPU a request more than ${FLOOR} (target: at most ${HELLO_ABOVE_FLOOR_US} us)`,
  );
}
