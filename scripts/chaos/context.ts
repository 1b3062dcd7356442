/** What the participants of a round share, and what they count. */
import { type Random, randomOf } from '../../spec/support/random.js';
import { Client } from '../../spec/support/server/http-client.js';
import { bounded } from '../../spec/support/server/wait.js';
import type { Ports, ServerName } from './messages.js';

/** What can be left out of a campaign, to narrow down a cause. */
export const GROUPS = [
  ...['platform', 'scopes', 'files', 'faults', 'tcp-faults', 'leavers', 'silent', 'own-work', 'floods'],
  ...['steps', 'terminations'],
] as const;
export type Group = (typeof GROUPS)[number];

/** No answer may take longer, whatever else goes on. A busy machine takes a hundredth of it. */
export const ANSWER_TIMEOUT_MS = 15_000;

/** Counts of all clients of one server since its start. */
export interface Tally {
  /** Answers that were correct in every byte. */
  verified: number;
  /** Connections of well-behaved clients that the server cut. */
  cuts: number;
  /** Faults that may have killed a thread. */
  lethal: number;
}

export class ChaosContext {
  readonly tallies: Readonly<Record<ServerName, Tally>> = {
    web: { verified: 0, cuts: 0, lethal: 0 },
    tcp: { verified: 0, cuts: 0, lethal: 0 },
  };
  /** Violations that clients have seen. */
  readonly wrong: string[] = [];
  #barriers = 0;

  constructor(
    readonly host: string,
    readonly ports: Ports,
    /** How many threads run handlers. */
    readonly handlers: number,
    /** Whether any of them takes the next request of any connection. */
    readonly sharesRequests: boolean,
    /** Whether the apps listen to `uncaughtException`. */
    readonly handled: boolean,
    readonly groups: ReadonlySet<Group>,
    readonly random: Random,
  ) {}

  /** A random source of a participant's own, so that its choices do not depend on the progress of others. */
  fork(): Random {
    return randomOf(this.random(2 ** 31));
  }

  /** The number of a barrier that is not used yet. */
  newBarrier(): number {
    return this.#barriers++;
  }

  connect(server: ServerName, localAddress = this.host): Promise<Client> {
    return bounded(
      Client.connect({ host: this.host, port: this.ports[server], localAddress }),
      ANSWER_TIMEOUT_MS,
      `the ${server} server accepted no connection`,
    );
  }
}
