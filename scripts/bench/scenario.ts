// What a scenario is: a measurement that runs one round against one running server and returns its figures by name,
// and the pass marks of paceline's figures. Types only: every other file here may import this one.

import type { Figures } from './figures.js';
import type { Setup } from './setups.js';
import type { Server, Target, TargetNames } from './targets.js';
import type { Tool } from './tools.js';

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
}

/** A part of every round whose figures are rows of their own: those of `key` are named `KEY.FIGURE`. */
export interface Phase {
  readonly key: string;
  readonly title: string;
}

/** How long and how hard each round measures. */
export interface Settings {
  readonly seconds: number;
  /** Of load before the first round of a server: code of two threads is compiled after some two seconds. */
  readonly warmUpSeconds: number;
  readonly idleSeconds: number;
  readonly slowSeconds: number;
  readonly connections: number;
  /** Of the open loop, in requests a second, where they are named; each scenario has its own otherwise. */
  readonly rates: readonly number[] | undefined;
}

/** All rounds of one target in one scenario. */
export interface Result {
  readonly target: string;
  /** The target's kind; of paceline with a strategy that is not its default, the strategy. */
  readonly kind: string;
  readonly rounds: Figures[];
  /** Why the target was dropped from the scenario. */
  failure?: string;
}

/** One line of the verdict. */
export interface Judgement {
  /** `noted` is shown only, and counts neither way. */
  readonly word: 'met' | 'missed' | 'noted' | 'not measured';
  readonly text: string;
}

/**
 * Judges paceline's rounds of one scenario; `rival` finds the rounds of another target in it, `elsewhere` those of the same
 * target in another scenario.
 */
export type Judge = (
  paceline: Result,
  rival: (target: string) => Result | undefined,
  elsewhere: (scenario: string) => Result | undefined,
) => Judgement[];

export interface Scenario {
  readonly name: string;
  /** What it measures, as the heading of its table. */
  readonly title: (settings: Settings) => string;
  readonly columns: readonly Column[];
  /** The figures that the plot shows as bars, by their columns. Default: CPU a request, and requests a second. */
  readonly bars?: readonly string[];
  /** The parts of a round, where it has any: each is a row of the table. */
  readonly phases?: (settings: Settings) => readonly Phase[];
  /** A name that selects this scenario and others together. */
  readonly group?: string;
  /** The targets where the command line names none. Default: DEFAULT_TARGETS. */
  readonly targets?: TargetNames;
  /** The command that must be installed. */
  readonly needs?: Tool;
  /** Whether a first round of a second is run and discarded, so that the server's hot code is compiled. */
  readonly warmsUp?: true;
  /** What the servers serve. Default: the small handler. */
  readonly setup?: Setup;
  /** Whether every round needs a new server, because an earlier round would change what is measured. */
  readonly freshServer?: true;
  /** The number of rounds where none is named, of a scenario that takes long. */
  readonly ownRounds?: number;
  /** The number of rounds, where more are asked for. */
  readonly maxRounds?: number;
  /** The number of threads of a paceline target, in place of its own. */
  readonly threads?: number;
  /** About how long a round takes a target, for what is said of the time that is left. Default: `seconds`. */
  readonly roundSeconds?: (settings: Settings) => number;
  readonly appliesTo: (target: Target) => boolean;
  readonly run: (server: Server, settings: Settings) => Promise<Figures>;
  /** What a reader of a target's rows has to know, below the table. */
  readonly remarks?: (result: Result, settings: Settings) => readonly string[];
  /** What counts as passed; a scenario without it only compares. */
  readonly judge?: Judge;
}
