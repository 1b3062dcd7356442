/** `paceline top`: what it draws, and how it behaves as a command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TopView } from '../../../lib/cli/top-view.js';
import { type Frame, type Hello, STATES, type State } from '../../../lib/dashboard/protocol.js';
import { LEADER_FOLLOWERS } from '../../support/dashboard/frames.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';

const MAIN = 'dist/lib/cli/main.js';

const hello: Hello = {
  type: 'hello',
  version: '1.2.3',
  node: 'v20',
  pid: 42,
  startedAt: 0,
  url: 'http://127.0.0.1:8080',
  app: 'demo',
  strategy: LEADER_FOLLOWERS,
  threads: 3,
  groups: 1,
  roles: ['peer', 'peer', 'peer'],
  names: ['thread 0', 'thread 1', 'thread 2'],
  stateWords: { peer: STATES },
  intervalMs: 100,
  load: true,
  history: [],
  transitions: [],
  marks: [],
  deaths: [],
};

const gauge = { current: 1, peak: 2, limit: 3 };

/** `stays`: for each thread, its state and the milliseconds that it has been in each. */
function frameOf(seq: number, stays: [State, number[]][], more: Partial<Frame> = {}): Frame {
  return {
    type: 'frame',
    seq,
    at: 60_000 + seq * 100,
    set: 'serving',
    verdict: { level: 'healthy', text: 'Healthy: 2 of 3 threads free', since: 0, reasons: [] },
    free: 2,
    handlers: 3,
    waiting: 7,
    errorRate: 0.015,
    deaths: [],
    slowest: null,
    leader: { thread: 0, since: 60_000 },
    threads: stays.map(([state, timesMs], id) => ({
      id,
      role: 'peer',
      state,
      since: 59_000,
      heldMs: 0,
      requestSince: 0,
      engaged: id === 2,
      busy: 0.5,
      timesMs,
      connections: null,
      connection: state === 'processing' ? 31 : -1,
      route: state === 'processing' ? 'GET /block?ms=200' : '',
      missed: 0,
      loopDelayMs: null,
      counters: { events: 1234567 },
    })),
    transitions: [],
    marks: [],
    gauges: { handles: gauge, ready: gauge, connections: gauge, pool: gauge, descriptors: gauge },
    queue: null,
    active: 1,
    idle: 0,
    engaged: 1,
    routes: [],
    routesLeft: 0,
    point: {
      at: 0,
      requests: 1234.4,
      promotions: 10,
      bytesIn: 0,
      bytesOut: 0,
      accepted: 0,
      dropped: 0,
      errors: 0,
      wakeUpsPerRequest: 0.25,
      responseMs: { p50: 0.123, p90: 1, p99: 20, max: 30, count: 5 },
      queueMs: null,
      queue: null,
      promotionMs: null,
    },
    warnings: [],
    load: { fast: 0, blocking: 0, cpu: 0 },
    dashboard: { clients: 1, droppedClients: 0 },
    ...more,
  };
}

const times = (state: State, ms: number): number[] => STATES.map((one) => (one === state ? ms : 0));

function viewed(): TopView {
  const view = new TopView(hello);
  view.add(
    frameOf(0, [
      ['leader', times('leader', 0)],
      ['processing', times('processing', 0)],
      ['follower', times('follower', 0)],
    ]),
  );
  // Thread 0 processed for most of the time and leads again; thread 1 went on; thread 2 followed.
  view.add(
    frameOf(1, [
      ['leader', [0, 0, 0, 20, 80]],
      ['processing', times('processing', 100)],
      ['follower', times('follower', 100)],
    ]),
  );
  return view;
}

test('a lane has the letter of the state in which most of the time was spent', () => {
  const lines = viewed().lines({ columns: 120, rows: 40, colors: false });
  const lanes = lines.filter((line) => /^ +\*?[012] /.test(line));
  assert.is(lanes.length, 3);
  assert.match(lanes[0]!, /^ {3}0 leader {5} +LP /);
  assert.match(lanes[1]!, /^ {3}1 processing +PP +50 % +1,234,567 +1\.1 s +31 GET \/block\?ms=200$/);
  assert.match(lanes[2]!, /^ {2}\*2 follower {3} +·· /, 'it is engaged');
});

test('with groups it says how many have a leader, and that threads process where one has none', () => {
  const view = new TopView({ ...hello, threads: 4, groups: 2 });
  const rest = times('follower', 0);
  view.add(
    frameOf(0, [
      ['processing', times('processing', 0)],
      ['follower', rest],
      ['leader', times('leader', 0)],
      ['follower', rest],
    ]),
  );
  assert.match(view.table().join('\n'), /^1 of 2 groups led, 1 of 4 threads processing, 10 promotions/m);
});

test('lanes begin with what the server knows of the time before', () => {
  // Thread 0 led for 400 ms, then processed for 300 ms; thread 2 has died and started in one interval.
  const view = new TopView({
    ...hello,
    transitions: [
      [0, 2, 3, 59_300, -1],
      [2, 2, 0, 59_510, -1],
      [2, 0, 1, 59_590, -1],
      [0, 3, 4, 59_700, -1],
    ],
  });
  view.add(
    frameOf(0, [
      ['processing', times('processing', 0)],
      ['follower', times('follower', 0)],
      ['starting', times('starting', 0)],
    ]),
  );
  const lanes = view
    .lines({ columns: 200, rows: 40, colors: false })
    .filter((line) => /^ +\*?[012] /.test(line));
  assert.match(lanes[0]!, / ·?LLLLPPP +50 %/);
  assert.match(lanes[1]!, /follower +· +50 %/, 'nothing is known of it');
  assert.match(lanes[2]!, /starting +xssss +50 %/);
});

test('of more threads than there are rows those that did something are shown', () => {
  const view = new TopView({ ...hello, threads: 64 });
  const rows = Array.from({ length: 64 }, (_, id): [State, number[]] =>
    id >= 60 ? ['processing', times('processing', 0)] : ['follower', times('follower', 0)],
  );
  view.add(frameOf(0, rows));
  const lines = view.lines({ columns: 120, rows: 20, colors: false });
  const shown = lines.map((line) => /^ +\*?(\d+) (?:follower|processing)/.exec(line)?.[1]).filter(Boolean);
  assert.equal(shown.slice(-4), ['60', '61', '62', '63']);
  assert.equal(shown.slice(0, 2), ['0', '1']);
  assert.ok(lines.includes(`… and ${64 - shown.length} more threads`));
});

test('a verdict and warnings that are wider than the terminal go on in the next line', () => {
  const view = viewed();
  const verdict = {
    level: 'outage',
    text: 'Outage: all 4 threads held by GET /render and 2 other routes for 2.8 s; 212 requests wait',
    since: 0,
    reasons: ['all-blocked'],
  } as const;
  const warning = {
    id: 'all-blocked',
    what: 'All 4 threads have been held for 2.8 s or longer.',
    advice: 'Run more.',
  } as const;
  view.add(frameOf(2, [['leader', times('leader', 1)]], { verdict, warnings: [warning] }));
  const lines = view.lines({ columns: 50, rows: 40, colors: false });
  assert.equal(lines.slice(0, 2), [
    'Outage: all 4 threads held by GET /render and 2',
    'other routes for 2.8 s; 212 requests wait',
  ]);
  assert.match(lines.join('\n'), /^! All 4 threads have been held for 2\.8 s or\n {2}longer\. Run more\.$/m);
  const colored = view.lines({ columns: 50, rows: 40, colors: true });
  assert.ok(colored[1]!.startsWith('\x1b[1;38;5;196mother routes'));
});

test('the head has the leader, rates, percentiles and levels', () => {
  const text = viewed().lines({ columns: 200, rows: 40, colors: false }).join('\n');
  assert.match(
    text,
    /^Healthy: 2 of 3 threads free\npaceline 1\.2\.3, pid 42: demo at http:\/\/127\.0\.0\.1:8080, serving for 1 min$/m,
  );
  assert.match(
    text,
    /thread 0 leads for 100 ms, 10 promotions\/s, 0\.25 wake-ups a request; 1 of 3 threads engaged/,
  );
  assert.match(
    text,
    /1,234 requests\/s, 7 waiting, 1\.5 % errors; response p50 0\.12 ms p99 20 ms; queue –; promotion –/,
  );
  assert.match(text, /connections 1\/2\/3, 1 active/);
});

const BLOCKING = {
  name: 'GET /slow',
  blocking: true,
  declared: false,
  calls: 9,
  typicalMs: 2.5,
  longestMs: 1600,
  handOvers: 0,
};

test('another model has its roles, its words and its queue', () => {
  const words = ['dead', 'starting', 'idle', 'waiting', 'processing'];
  const view = new TopView({
    ...hello,
    strategy: {
      ...LEADER_FOLLOWERS,
      name: 'half-sync-half-reactive',
      promotes: false,
      queue: 'request queue',
    },
    roles: ['reactor', 'worker', 'worker'],
    stateWords: { reactor: words, worker: words },
  });
  const frame = (seq: number) => {
    const now = frameOf(
      seq,
      [
        ['leader', times('leader', 100 * seq)],
        ['processing', times('processing', 100 * seq)],
        ['follower', times('follower', 100 * seq)],
      ],
      { queue: { current: 3, peak: 40, limit: 1024 }, routes: [BLOCKING] },
    );
    const threads = now.threads.map((row, id) => ({ ...row, role: id === 0 ? 'reactor' : 'worker' }));
    return {
      ...now,
      threads,
      point: { ...now.point, queueMs: { p50: 0.5, p90: 1, p99: 2.5, max: 3, count: 4 } },
    };
  };
  view.add(frame(0));
  view.add(frame(1));
  const lines = view.lines({ columns: 200, rows: 40, colors: false });
  const text = lines.join('\n');
  assert.match(
    text,
    /^half-sync-half-reactive: the reactor is waiting, 1 of 2 workers processing, 0\.25 wake-ups a request$/m,
  );
  assert.match(text, /^request queue 3\/40\/1,024, wait p50 0\.50 ms p99 2\.50 ms$/m);
  assert.match(text, /^ {3}# role {5}state {6}last \d+ s/m);
  assert.match(text, /^ {3}0 reactor {2}waiting {4} +WW /m);
  assert.match(text, /^ {3}1 worker {3}processing +PP /m);
  assert.match(text, /^ {2}\*2 worker {3}idle {6} +·· /m);
  assert.match(text, /^blocking routes: GET \/slow 2\.50 ms, at most 1\.6 s$/m);
  assert.not.match(text, /lead|promotion|follow|engaged|handed over/);
  assert.match(view.table().join('\n'), /^ {3}0 reactor {2}waiting +50 %/m);
  for (const columns of [1, 10, 40, 60, 80]) {
    for (const line of view.lines({ columns, rows: 40, colors: false })) assert.ok(line.length <= columns);
  }
});

test('routes that block have a line, in which their names cannot obey a client', () => {
  const route = (name: string, blocking = true) => {
    return { name, blocking, declared: false, calls: 9, typicalMs: 2.5, longestMs: 1600, handOvers: 7 };
  };
  const view = new TopView(hello);
  const lineOf = (...routes: ReturnType<typeof route>[]) => {
    view.add(frameOf(0, [['leader', times('leader', 0)]], { routes }));
    const lines = view.lines({ columns: 300, rows: 40, colors: false });
    return lines.find((line) => line.startsWith('blocking routes:'));
  };
  assert.is(lineOf(route('GET /quick', false)), undefined);
  assert.is(
    lineOf(route('GET /\x1b[2J'), route('GET /quick', false)),
    'blocking routes: GET /?[2J 2.50 ms, at most 1.6 s, 7 handed over',
  );
  assert.match(lineOf(...'abcdef'.split('').map((name) => route(name)))!, /; d 2\.50 ms, .*; and 2 more$/);
});

test('no line is wider than the terminal, nor are there more than it has rows, whatever it is', () => {
  const view = viewed();
  const warning = { id: 'all-blocked', what: 'All 4 threads are blocked.', advice: 'Run more.' } as const;
  view.add(
    frameOf(
      2,
      [
        ['leader', times('leader', 1)],
        ['processing', times('processing', 1)],
        ['dead', times('dead', 1)],
      ],
      { warnings: [warning] },
    ),
  );
  for (const columns of [1, 2, 10, 20, 30, 40, 60, 80, 120, 500]) {
    for (const rows of [1, 2, 5, 8, 12, 50]) {
      for (const colors of [false, true]) {
        const lines = view.lines({ columns, rows, colors });
        assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
        for (const line of lines) {
          const visible = stripVTControlCharacters(line);
          assert.ok(visible.length <= columns, `${visible.length} columns in ${columns}: ${visible}`);
        }
      }
    }
  }
  assert.match(
    view.lines({ columns: 80, rows: 50, colors: false }).join('\n'),
    /! All 4 threads are blocked\. Run more\./,
  );
});

test('a terminal that does not know its size counts as one of 80 by 24', () => {
  const view = viewed();
  assert.equal(
    view.lines({ columns: 0, rows: 0, colors: false }),
    view.lines({ columns: 80, rows: 24, colors: false }),
  );
});

test('colours come with letters, and not where there are none', () => {
  const colored = viewed().lines({ columns: 120, rows: 40, colors: true }).join('\n');
  assert.ok(colored.includes('\x1b[38;5;36mL\x1b[38;5;214mP\x1b[0m'));
  assert.ok(colored.startsWith('\x1b[1;38;5;36mHealthy: 2 of 3 threads free\x1b[0m\n'));
  assert.not.ok(viewed().lines({ columns: 120, rows: 40, colors: false }).join().includes('\x1b'));
});

test('a request with control characters reaches no terminal as it is', () => {
  const view = viewed();
  const frame = frameOf(2, [
    ['leader', times('leader', 1)],
    ['processing', times('processing', 1)],
    ['follower', times('follower', 1)],
  ]);
  Object.assign(frame.threads[1]!, { route: 'GET /\x1b]0;evil\x07\u202e' });
  view.add(frame);
  assert.match(view.table().join('\n'), /GET \/\?\]0;evil\?\?/);
});

/** Runs the command with no terminal. */
async function run(
  line: string[],
  token?: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, PACELINE_TOKEN: token ?? '' };
  const child = spawn(process.execPath, [MAIN, 'top', ...line], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

test('in a pipe it prints one table and ends', async () => {
  await using dashboard = await TestDashboard.start();
  dashboard.observed.seen.threads[2]!.counters.events = 4321;
  for (const [line, token] of [
    [[dashboard.server.url]],
    [['--dashboard', dashboard.host, '--token', dashboard.token]],
    [['--dashboard', dashboard.host], dashboard.token],
  ] as [string[], string?][]) {
    const { code, stdout, stderr } = await run(line, token);
    assert.equal([code, stderr], [0, '']);
    assert.match(stdout, /^ {3}# state +busy +events +for +fd request$/m);
    assert.match(stdout, /^ {3}2 follower +0 % +4,321 /m);
    assert.not.ok(stdout.includes('\x1b'));
  }
});

test('a wrong token is a usage error, a server that is not there a failure, each one line', async () => {
  const dashboard = await TestDashboard.start();
  const wrong = await run([`${dashboard.origin}/#wrong`]);
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, /^paceline: the token is not that of [^\n]+\n$/);
  await dashboard[Symbol.asyncDispose]();
  const absent = await run([dashboard.server.url]);
  assert.is(absent.code, 1);
  assert.match(absent.stderr, /^paceline: no dashboard answers at [^\n]+ECONNREFUSED[^\n]+\n$/);
});

test.run();
