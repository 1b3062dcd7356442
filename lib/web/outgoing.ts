/** What the Fetch API's side hands to the connection: a response in the form in which it is framed and written. */
import type { FileBody } from './file-body.js';

/** A body at hand: what the Fetch standard calls its source. Bytes are memory of our own, and a file is read only on demand. */
export type OutgoingSource = string | Uint8Array | Blob | FileBody;

/** A response, ready to be framed. */
export interface Outgoing {
  /** 200 to 599. */
  status: number;
  /** As the handler gave it; '' for the usual phrase. */
  statusText: string;
  /**
   * Lines `name: value\r\n` in latin1, each valid. Without date, connection, content-length, transfer-encoding and the
   * other fields that belong to the runtime.
   */
  headers: string;
  /** Bytes, as the handler said in a content-length field, or as a file body has; -1 when nobody said. */
  contentLength: number;
  /** Whether the handler wants the connection closed after this. */
  close: boolean;
  /** A string is to be sent as UTF-8. A FileBody is to be closed in the end, whatever becomes of the response. */
  body: OutgoingSource | ReadableStream<Uint8Array> | null;
}
