/** What all participants of a round know, and what they count. */
import { type Random, randomOf } from '../../spec/support/random.js';
import { Client } from '../../spec/support/server/http-client.js';
import { bounded } from '../../spec/support/server/wait.js';
import type { Ports, ServerName } from './messages.js';

/** What can be left out of a campaign, to come closer to a cause. */
export const GROUPS = [
  ...['platform', 'scopes', 'files', 'faults', 'tcp-faults', 'leavers', 'silent', 'own-work', 'floods'],
  ...['steps', 'terminations'],
] as const;
export type Group = (typeof GROUPS)[number];

/** No answer may take longer, whatever the others do. A busy machine takes a hundredth of it. */
export const PATIENCE_MS = 15_000;

/** What the participants of one server came to, since its start. */
export interface Tally {
  /** Answers that were right in every byte. */
  verified: number;
  /** Connections of well-behaved clients that the server cut. */
  cuts: number;
  /** Faults after which a thread may be dead. */
  lethal: number;
}

export class ChaosContext {
  readonly tallies: Readonly<Record<ServerName, Tally>> = {
    web: { verified: 0, cuts: 0, lethal: 0 },
    tcp: { verified: 0, cuts: 0, lethal: 0 },
  };
  /** What somebody saw that must not be. */
  readonly wrong: string[] = [];
  #barriers = 0;

  constructor(
    readonly host: string,
    readonly ports: Ports,
    readonly threads: number,
    /** The apps listen to `uncaughtException`. */
    readonly handled: boolean,
    readonly groups: ReadonlySet<Group>,
    readonly random: Random,
  ) {}

  /** Chance of a participant's own, so that its choices do not depend on how the others get on. */
  fork(): Random {
    return randomOf(this.random(2 ** 31));
  }

  /** The number of a barrier that nobody was at. */
  newBarrier(): number {
    return this.#barriers++;
  }

  connect(server: ServerName, localAddress = this.host): Promise<Client> {
    return bounded(
      Client.connect({ host: this.host, port: this.ports[server], localAddress }),
      PATIENCE_MS,
      `the ${server} server accepted no connection`,
    );
  }
}
