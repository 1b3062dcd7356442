/** What the client of a handler that threw is told. */
import type { Outgoing } from '../web/outgoing.js';
import { refusal } from './response-writer.js';

/** Makes the response in place of a handler that threw `error`. Called in the exchange's scope; must not throw. */
export type FailureAnswer = (error: unknown, request: Request) => Outgoing;

/** Says no more than that there was an error. */
export const plainAnswer: FailureAnswer = () => ({ ...refusal(500), close: false });
