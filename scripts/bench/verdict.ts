// Whether paceline meets its targets, a line each: the pass marks stand with their scenarios, what they are judged with
// stands here.

import { median, type ScenarioResult } from './report.js';
import type { Judgement, Result, Scenario } from './scenario.js';

/** The target that the requests are compared with first. */
export const REFERENCE = 'cluster-2';

/** Pass marks against {@link REFERENCE}: multiples of its requests/s and of its CPU a request. */
export interface Marks {
  readonly minRequests: number;
  readonly maxCpu: number;
}

/**
 * The lines of all results whose scenario has targets; `met` is false where one is missed, or none was measured.
 *
 * @param scenarios all that there are
 */
export function verdict(
  scenarios: readonly Scenario[],
  results: readonly ScenarioResult[],
): { met: boolean; lines: string[] } {
  const judged = scenarios.filter(({ judge }) => judge);
  const judgements = results.flatMap((result) => {
    const scenario = judged.find(({ name }) => name === result.scenario);
    return scenario ? judgementsOf(scenario, result, results) : [];
  });
  if (judgements.length === 0) {
    const text = `paceline, in one of ${judged.map(({ name }) => name).join(', ')}`;
    judgements.push({ word: 'not measured', text });
  }
  return {
    met: judgements.every(({ word }) => word === 'met' || word === 'noted'),
    lines: judgements.map(({ word, text }) => `${word}: ${text}`),
  };
}

function judgementsOf(
  { name, judge }: Scenario,
  { results }: ScenarioResult,
  all: readonly ScenarioResult[],
): Judgement[] {
  const paceline = results.find(({ kind }) => kind === 'paceline');
  if (!paceline) return [{ word: 'not measured', text: `${name} without paceline` }];
  const { target, rounds, failure } = paceline;
  const judgements: Judgement[] = [];
  if (failure) judgements.push(judgement(false, `${target} was given up: ${failure}`));
  if (rounds.length > 0) {
    const measured = (among: readonly Result[] | undefined, wanted: string) =>
      among?.find((result) => result.target === wanted && result.rounds.length > 0);
    const rival = (wanted: string) => measured(results, wanted);
    const elsewhere = (wanted: string) =>
      measured(all.find(({ scenario }) => scenario === wanted)?.results, target);
    judgements.push(...judge!(paceline, rival, elsewhere));
  }
  return judgements.map(({ word, text }) => ({ word, text: `${name}: ${text}` }));
}

export function judgement(met: boolean, text: string): Judgement {
  return { word: met ? 'met' : 'missed', text };
}

/** Judges the requests/s and the CPU a request against those of {@link REFERENCE}. */
export function judgeReference(
  paceline: Result,
  reference: Result | undefined,
  { minRequests, maxCpu }: Marks,
): Judgement[] {
  if (!reference) return [{ word: 'not measured', text: `the main targets need ${REFERENCE}` }];
  const speed = ratio('requestsPerSecond', paceline, reference);
  return [
    judgement(
      speed >= minRequests,
      `${paceline.target} serves ${speed.toFixed(2)}x the requests/s of ${REFERENCE} (target: at least ${minRequests}x)`,
    ),
    judgeCpu(paceline, reference, maxCpu),
  ];
}

export function judgeCpu(paceline: Result, rival: Result, max: number): Judgement {
  const share = ratio('cpuUsPerRequest', paceline, rival);
  return judgement(
    share <= max,
    `${paceline.target} uses ${percent(share)} of the CPU a request of ${rival.target} (target: at most ${percent(max)})`,
  );
}

/** Judges an app of node:http in both ways in which paceline serves it: as what a module exports, and as a server file. */
export function judgeBothWays(
  paceline: Result,
  rival: (target: string) => Result | undefined,
  judge: (result: Result) => Judgement[],
): Judgement[] {
  const name = paceline.target.replace('paceline', 'paceline-file');
  const file = rival(name);
  return [
    ...judge(paceline),
    ...(file ? judge(file) : [{ word: 'not measured', text: `the server file needs ${name}` } as const]),
  ];
}

/** A line for each result in which anything failed. */
export function judgeErrors(results: readonly (Result | undefined)[]): Judgement[] {
  const failing = results.filter((result) => result?.rounds.some(({ errors }) => (errors ?? 0) > 0));
  return failing.map((result) => judgement(false, `there were errors with ${result!.target}`));
}

/** Paceline's median of a figure, as a multiple of the rival's. */
export function ratio(key: string, paceline: Result, rival: Result): number {
  return medianOf(key, paceline) / medianOf(key, rival);
}

/** Paceline's median of a figure, less the rival's. */
export function difference(key: string, paceline: Result, rival: Result): number {
  return medianOf(key, paceline) - medianOf(key, rival);
}

export function medianOf(key: string, { rounds }: Result): number {
  return median(rounds.map((figures) => figures[key]!));
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
