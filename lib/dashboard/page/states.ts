/** The states of a thread by their numbers, in the order of STATES in ../protocol.ts. Their words depend on the model: see model.ts. */
import { STATES, type State } from '../protocol.js';

export const UNKNOWN = -1;
export const DEAD = 0;
export const STARTING = 1;
export const FOLLOWER = 2;
export const LEADER = 3;
export const PROCESSING = 4;

export const stateNumber = (state: State): number => STATES.indexOf(state);
