// What a scenario is: a measurement that runs one round against one running server and returns its figures by name,
// and the pass marks that paceline's figures are held against. Types only: every other file here may import this one.

import type { Figures } from './client.js';
import type { Setup } from './start.js';
import type { Server, Target } from './targets.js';
import type { Tool } from './tools.js';

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
}

/** How long and how hard each round measures. */
export interface Settings {
  readonly seconds: number;
  readonly idleSeconds: number;
  readonly slowSeconds: number;
  readonly connections: number;
}

/** All rounds of one target in one scenario. */
export interface Result {
  readonly target: string;
  readonly kind: string;
  readonly rounds: Figures[];
  /** Why the target was given up. */
  failure?: string;
}

/** One line of the verdict. */
export interface Judgement {
  readonly word: 'met' | 'missed' | 'not measured';
  readonly text: string;
}

/** Judges paceline's rounds of one scenario; `rival` finds the rounds of another target in it. */
export type Judge = (paceline: Result, rival: (target: string) => Result | undefined) => Judgement[];

export interface Scenario {
  readonly name: string;
  /** What it measures, as the heading of its table. */
  readonly title: (settings: Settings) => string;
  readonly columns: readonly Column[];
  /** A name that selects this scenario together with others. */
  readonly group?: string;
  /** Left out of the default list: takes long, or measures paceline's targets rather than comparing. */
  readonly onRequest?: true;
  /** The command that must be installed. */
  readonly needs?: Tool;
  /** Runs a first round of a second that does not count, to give the compilers of a server their time. */
  readonly warmsUp?: true;
  /** What the servers serve; the demo's routes where it is left out. */
  readonly setup?: Setup;
  /** Every round gets a server of its own, because an earlier round would change what is measured. */
  readonly freshServer?: true;
  /** Rounds beyond this number are left out. */
  readonly maxRounds?: number;
  /** The threads that a paceline target gets here, in place of its own number. */
  readonly threads?: number;
  readonly appliesTo: (target: Target) => boolean;
  readonly run: (server: Server, settings: Settings) => Promise<Figures>;
  /** What counts as passed; a scenario without it only compares. */
  readonly judge?: Judge;
}
