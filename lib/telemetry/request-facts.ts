/** What is known of a request that is observed. */
import type { DeclaredRoute } from '../routes/declared-routes.js';
import type { RequestHead } from '../web/request-head.js';

/** A received head: request line and header lines as latin1, and where the parts of the request line are. */
export type HeadText = Pick<RequestHead, 'text' | 'methodEnd' | 'targetStart' | 'targetEnd'>;

export const LINE_END = '\r\n';

/** What is known of a request's route when the request begins. */
export interface KnownRoute {
  /** 0 for a route that is neither declared nor learned. */
  readonly hash: number;
  readonly declared: DeclaredRoute | undefined;
}

/** How a request ended. */
export interface Outcome {
  /** 0 while the response had not begun. */
  readonly status: number;
  /** Of the response's body. */
  readonly bytes: number;
  /** The response was not completed. */
  readonly aborted: boolean;
  /** What the handler, or the response's stream, has thrown; undefined for nothing. */
  readonly error?: unknown;
}

/** `HTTP/1.1` is `1.1`. */
export const versionOf = ({ text, targetEnd }: HeadText): string =>
  text.slice(targetEnd + ' HTTP/'.length, text.indexOf(LINE_END));
