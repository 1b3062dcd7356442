// Whether paceline meets its targets, a line each.

import { median, type ScenarioResult } from './report.js';
import type { Judge, Judgement, Result } from './scenario.js';

/** Of the project's issue, in `hello`. */
const MIN_REQUESTS_RATIO = 1.7;
const MAX_CPU_RATIO = 0.6;
const REFERENCE = 'cluster-2';
/** In `hello`, a request is to cost no more CPU than theirs. */
const CPU_RIVALS = ['nginx', 'bun'] as const;
/** A folder, against nginx. */
const MIN_FILES_RATIO = 0.9;
/** What 10,000 idle connections may cost. */
const MIN_BESIDE_RATIO = 0.95;
const MAX_BYTES_PER_CONNECTION = 2048;

/** What being seen may cost, of CPU a request and of requests/s; and how long the page may be without news. */
const MAX_RECORDING = 0.02;
const MAX_WATCHED = 0.05;
const MAX_HEALTH_MS = 50;
/** Of a round's longest wait for /healthz beside what disturbs the server. */
const MAX_LOOK_MS = 100;
/** Three of its frames. */
const MAX_GAP_MS = 300;

const JUDGES: ReadonlyMap<string, Judge> = new Map([
  ['hello', judgeHello],
  ['static-100k', judgeFiles],
  ['static-100m', judgeFiles],
  ['idle-10k', judgeHeld],
  ['slow-headers', judgeSlow],
  ['slow-body', judgeSlow],
  ['slow-read', judgeSlow],
  ['recording', judgeRecording],
  ['blocked', judgeBlocked],
  ['control-idle', judgeControl],
  ['control-errors', judgeControl],
  ['control-scrapers', judgeControl],
  ['control-half-sent', judgeControl],
  ['control-descriptors', judgeControl],
  ['control-blocked', judgeControl],
]);

/** The lines of all scenarios that have targets; `met` is false where one is missed, or none was measured. */
export function verdict(results: readonly ScenarioResult[]): { met: boolean; lines: string[] } {
  const judgements = results.flatMap(judge);
  if (judgements.length === 0) {
    const text = `paceline, in one of ${[...JUDGES.keys()].join(', ')}`;
    judgements.push({ word: 'not measured', text });
  }
  return {
    met: judgements.every(({ word }) => word === 'met'),
    lines: judgements.map(({ word, text }) => `${word}: ${text}`),
  };
}

function judge({ scenario, results }: ScenarioResult): Judgement[] {
  const judgeRounds = JUDGES.get(scenario);
  if (!judgeRounds) return [];
  const paceline = results.find(({ kind }) => kind === 'paceline');
  if (!paceline) return [{ word: 'not measured', text: `${scenario} without paceline` }];
  const { target, rounds, failure } = paceline;
  const judgements: Judgement[] = [];
  if (failure) judgements.push(judgement(false, `${target} was given up: ${failure}`));
  if (rounds.length > 0) {
    const rival = (name: string) =>
      results.find((result) => result.target === name && result.rounds.length > 0);
    judgements.push(...judgeRounds(paceline, rival));
  }
  return judgements.map(({ word, text }) => ({ word, text: `${scenario}: ${text}` }));
}

function judgeHello(paceline: Result, rival: (target: string) => Result | undefined): Judgement[] {
  const judgements: Judgement[] = [];
  const reference = rival(REFERENCE);
  if (reference) {
    const requests = ratio('requestsPerSecond', paceline, reference);
    judgements.push(
      judgement(
        requests >= MIN_REQUESTS_RATIO,
        `${paceline.target} serves ${requests.toFixed(2)}x the requests/s of ${REFERENCE} (target: at least ${MIN_REQUESTS_RATIO}x)`,
      ),
      judgeCpu(paceline, reference, MAX_CPU_RATIO),
    );
  } else judgements.push({ word: 'not measured', text: `the main targets need ${REFERENCE}` });
  for (const name of CPU_RIVALS) {
    const other = rival(name);
    if (other) judgements.push(judgeCpu(paceline, other, 1));
  }
  return [...judgements, ...judgeErrors([paceline, reference])];
}

function judgeCpu(paceline: Result, rival: Result, most: number): Judgement {
  const cpu = ratio('cpuUsPerRequest', paceline, rival);
  return judgement(
    cpu <= most,
    `${paceline.target} uses ${percent(cpu)} of the CPU a request of ${rival.target} (target: at most ${percent(most)})`,
  );
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

function judgeHeld(paceline: Result): Judgement[] {
  const speed = medianOf('throughputRatio', paceline);
  const bytes = medianOf('bytesPerConnection', paceline);
  return [
    judgement(
      speed >= MIN_BESIDE_RATIO,
      `${paceline.target} keeps ${percent(speed)} of its requests/s beside idle connections (target: at least ${percent(MIN_BESIDE_RATIO)})`,
    ),
    judgement(
      bytes <= MAX_BYTES_PER_CONNECTION,
      `an idle connection takes ${bytes.toFixed(0)} bytes of resident memory (target: at most ${MAX_BYTES_PER_CONNECTION})`,
    ),
    ...judgeErrors([paceline]),
  ];
}

function judgeSlow(paceline: Result): Judgement[] {
  const total = (key: string) => paceline.rounds.reduce((sum, figures) => sum + figures[key]!, 0);
  const longestMs = Math.max(...paceline.rounds.map((figures) => figures.longestMs!));
  const unavailable = total('unavailable');
  return [
    judgement(
      total('answered') === total('asked'),
      `${paceline.target} answered ${total('answered')} of ${total('asked')} requests beside the slow clients, within ${longestMs.toFixed(1)} ms (target: all)`,
    ),
    judgement(
      unavailable === 0,
      `slowhttptest found the service available in ${total('available')} of ${total('available') + unavailable} looks (target: all)`,
    ),
  ];
}

function judgeRecording(paceline: Result): Judgement[] {
  const cost = (which: string, most: number) => {
    const cpu = medianOf(`${which}CpuRatio`, paceline) - 1;
    const speed = 1 - medianOf(`${which}SpeedRatio`, paceline);
    return judgement(
      Math.max(cpu, speed) <= most,
      `${which} costs ${paceline.target} ${percentOf(cpu)} of CPU a request and ${percentOf(speed)} of requests/s (target: at most ${percentOf(most)} each)`,
    );
  };
  return [cost('recording', MAX_RECORDING), cost('watched', MAX_WATCHED), ...judgeErrors([paceline])];
}

function judgeBlocked(paceline: Result): Judgement[] {
  const most = (key: string) => Math.max(...paceline.rounds.map((figures) => figures[key]!));
  return [
    judgement(
      most('longestGapMs') <= MAX_GAP_MS,
      `with every thread blocked no frame came later than ${most('longestGapMs').toFixed(0)} ms after the one before (target: ${MAX_GAP_MS} ms)`,
    ),
    judgement(
      most('longestMs') <= MAX_HEALTH_MS,
      `/healthz answered within ${most('longestMs').toFixed(1)} ms (target: ${MAX_HEALTH_MS} ms)`,
    ),
  ];
}

/** The longest wait of each round, and of these the median: one round may meet a pause of the machine, most may not. */
function judgeControl(paceline: Result): Judgement[] {
  const maxMs = medianOf('maxMs', paceline);
  const unanswered = paceline.rounds.reduce((sum, figures) => sum + figures.unanswered!, 0);
  const asked = paceline.rounds.reduce((sum, figures) => sum + figures.asked!, 0);
  return [
    judgement(
      maxMs <= MAX_LOOK_MS,
      `/healthz answered within ${maxMs.toFixed(1)} ms (target: ${MAX_LOOK_MS} ms)`,
    ),
    judgement(unanswered === 0, `${asked - unanswered} of ${asked} looks were answered (target: all)`),
  ];
}

const percentOf = (share: number): string => `${(share * 100).toFixed(1)} %`;

function judgeErrors(results: readonly (Result | undefined)[]): Judgement[] {
  const failing = results.filter((result) => result?.rounds.some(({ errors }) => (errors ?? 0) > 0));
  return failing.map((result) => judgement(false, `there were errors with ${result!.target}`));
}

function judgement(met: boolean, text: string): Judgement {
  return { word: met ? 'met' : 'missed', text };
}

function ratio(key: string, paceline: Result, rival: Result): number {
  return medianOf(key, paceline) / medianOf(key, rival);
}

function medianOf(key: string, { rounds }: Result): number {
  return median(rounds.map((figures) => figures[key]!));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
