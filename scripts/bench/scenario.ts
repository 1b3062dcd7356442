// What a scenario is: a measurement that plays one round against one running server and returns its figures by name.

import type { Figures } from './client.js';
import type { BenchOptions } from './options.js';
import type { Site } from './start.js';
import type { Server, Target } from './targets.js';
import type { Tool } from './tools.js';

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: (options: BenchOptions) => string;
  readonly columns: readonly Column[];
  /** A name that selects this scenario together with others. */
  readonly group?: string;
  /** Left out of the default list: takes long, or measures paceline's targets rather than comparing. */
  readonly onRequest?: true;
  /** The command that must be installed. */
  readonly needs?: Tool;
  /** Plays a first round of a second that does not count, to give the compilers of a server their time. */
  readonly warmsUp?: true;
  /** What the servers serve; the demo's routes where it is left out. */
  readonly site?: Site;
  /** Every round gets a server of its own, because an earlier round would change what is measured. */
  readonly freshServer?: true;
  /** Rounds beyond this number are left out. */
  readonly mostRounds?: number;
  /** The threads that a paceline target gets here, in place of its own number. */
  readonly threads?: number;
  readonly appliesTo: (target: Target) => boolean;
  readonly run: (server: Server, options: BenchOptions) => Promise<Figures>;
}
