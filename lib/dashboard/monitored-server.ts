/** The server that a dashboard shows. The server object provides it once its threads have started. */
import type { Observed, ThreadInfo } from '../observe/observation.js';
import type { StrategyName } from '../strategies/descriptions.js';

export interface MonitoredServer {
  readonly observed: Observed;
  threads(): readonly ThreadInfo[];
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Where the app listens, as a URL. */
  readonly url: string;
  /** The app as the user named it; 'demo' for the built-in one. */
  readonly app: string;
  readonly strategy: StrategyName;
  /** Where the load buttons send their requests; null if the app is not the demo. */
  readonly loadTarget: LoadTarget | null;
}

export interface LoadTarget {
  readonly host: string;
  readonly port: number;
}
