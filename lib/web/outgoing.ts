/** What the Fetch API's side hands to the connection: a response in the form that is framed and written. */
import type { FileBody } from './file-body.js';

/** A body at hand: what the Fetch standard calls its source. Bytes are memory of our own, and a file is read only on demand. */
export type OutgoingSource = string | Uint8Array | Blob | FileBody;

/** A response, ready to be framed. */
export interface Outgoing {
  /** 200 to 599. */
  status: number;
  /** The handler's reason phrase; '' for the standard one. */
  statusText: string;
  /**
   * Lines `name: value\r\n` in latin1, each valid. Without date, connection, content-length, transfer-encoding and the
   * other fields that belong to the runtime.
   */
  headers: string;
  /** In bytes: the handler's content-length field, or the size of a file body; -1 when neither is there. */
  contentLength: number;
  /** Whether the handler wants the connection closed after this. */
  close: boolean;
  /** A string is sent as UTF-8. A FileBody must be closed in the end, also when the response is not sent. */
  body: OutgoingSource | ReadableStream<Uint8Array> | null;
}
