/** What a dashboard is about: one server that serves. The server object makes it once its threads have started. */

import type { Observed, ThreadInfo } from '../observe/observation.js';

export interface MonitoredServer {
  readonly observed: Observed;
  threads(): readonly ThreadInfo[];
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Where the app listens, as a URL. */
  readonly url: string;
  /** The app as the user named it; 'demo' for the built-in one. */
  readonly app: string;
  readonly strategy: string;
  /** Where load may be generated; null where the app is not the demo. */
  readonly loadTarget: LoadTarget | null;
}

export interface LoadTarget {
  readonly host: string;
  readonly port: number;
}
