/** The errors that a request's body and its signal get when the rest of it does not come, or its answer is not wanted any more. */
import { abortError, PacelineError } from '../errors.js';

/** The error of a body that was refused. One beyond the limit has a code of its own; any other counts as the client's leaving. */
export function bodyRefused(status: number, reason: string): Error {
  const message = `the request's body was refused: ${reason}`;
  return status === 413
    ? new PacelineError('PACELINE_BODY_LIMIT', message)
    : abortError(new PacelineError('PACELINE_CLIENT_GONE', message));
}

/** The error of a body that the client held back, when the response ended before it was told to send it. */
export function neverSent(): PacelineError {
  return new PacelineError(
    'PACELINE_CLIENT_GONE',
    'the response ended before the body was asked for, so the client was never told to send it',
  );
}

/** The error of a request whose client has left. @param received whether the client had sent the whole request */
export function clientGone(received: boolean): DOMException {
  const when = received
    ? 'while its request was being handled'
    : 'before the whole of its request was received';
  return abortError(new PacelineError('PACELINE_CLIENT_GONE', `the client closed the connection ${when}`));
}
