/** The states of a thread as the page shows them, in the order of STATES in ../protocol.ts. */
import { STATES, type State } from '../protocol.js';

export const DEAD = 0;
export const STARTING = 1;
export const FOLLOWER = 2;
export const LEADER = 3;
export const PROCESSING = 4;

/** A letter for each, because not everyone can distinguish them by colour. */
export const LETTERS: readonly string[] = ['D', 'S', 'F', 'L', 'P'];
export const WORDS: readonly string[] = ['Dead', 'Starting', 'Follower', 'Leader', 'Processing'];

export const stateNumber = (state: State): number => STATES.indexOf(state);
