/** What a thread set is given of its server: all of it, or its part where the server has several groups. */
import { availableParallelism } from 'node:os';
import type { ResolvedOptions } from '../options/server-options.js';
import type { ListenRequest } from '../thread/messages.js';
import type { Listener } from './listener.js';
import { openRequested } from './listener.js';
import type { SetRecords } from './strays.js';
import { type HandleLimits, handleLimits } from './system.js';

export interface Group {
  /** Its number, where the server has several. */
  readonly index?: number;
  /** The number of its thread 0 in the server. */
  readonly firstThread: number;
  /** The cores that it has, one at least. */
  readonly cores: number;
  readonly limits: HandleLimits;
  /** The sets of the server. The plane adds its own. */
  readonly sets: SetRecords[];
  /** Opens what a server of a thread asks for; it listens already. */
  open(request: ListenRequest): Promise<Listener>;
}

/** The only one. */
export const wholeServer = (options: ResolvedOptions): Group => ({
  firstThread: 0,
  cores: availableParallelism(),
  limits: handleLimits(options.threads.max, options),
  sets: [],
  open: openRequested,
});

/** The group of its threads, as a property that those of a server's only set do not have. */
export const groupOf = ({ index }: Group): { readonly group?: number } =>
  index === undefined ? {} : { group: index };
