/**
 * Checks a response's head before any of it is sent: RFC 9112 sections 4 and 5. It does not matter who made the response (an app,
 * another library's class, an upstream that fetch() believed) or what its constructor lets pass: a character that ends a line when it
 * is written as latin1, as U+010D and U+010A do, would let its author write responses to other clients' requests.
 */
import { PacelineError } from '../errors.js';
import type { Outgoing } from '../web/outgoing.js';

/** HTAB, SP, VCHAR and obs-text: nothing that ends a line, and nothing outside of latin1. */
const REASON_PHRASE = /^[\t -~\x80-\xff]*$/;
/** `name: value\r\n` lines, or none. It takes a third of the time of a loop over the characters. */
const HEADER_LINES = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)*$/;

/** The header lines that were found valid last: a popular route has the same ones, and comparing them is fast. */
let known = '';

/**
 * @throws PacelineError `PACELINE_APP_SHAPE` when the status is none that ends a request, the length is no count, or reason phrase or
 * header lines have a character that no head may have
 */
export function checkHead({ status, statusText, headers, contentLength }: Outgoing): void {
  if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw new PacelineError('PACELINE_APP_SHAPE', 'the status of the response is not one from 200 to 599');
  }
  if (!(Number.isSafeInteger(contentLength) && contentLength >= -1)) {
    throw new PacelineError('PACELINE_APP_SHAPE', 'the content-length of the response is no count of bytes');
  }
  if (statusText !== '' && !REASON_PHRASE.test(statusText)) {
    throw new PacelineError(
      'PACELINE_APP_SHAPE',
      'the statusText of the response has a character that no reason phrase may have',
    );
  }
  if (headers === known) return;
  if (!HEADER_LINES.test(headers)) {
    throw new PacelineError(
      'PACELINE_APP_SHAPE',
      'the header fields of the response have a character that no header field may have',
    );
  }
  known = headers;
}
