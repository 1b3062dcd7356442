/** A case of the differential spec: a server of the kind of node:http's, and what a client does to it. */
import type * as http from 'node:http';
import type { Client } from './client.js';
import type { Trace } from './trace.js';

/** What both sides of the comparison have. */
export type HttpModule = Pick<typeof http, 'createServer' | 'IncomingMessage' | 'ServerResponse' | 'Server'>;

/** A server under way. */
export interface Served {
  readonly http: HttpModule;
  readonly server: http.Server;
  readonly trace: Trace;
  readonly log: (line: string) => void;
  /** Another connection; what it receives is compared, too. */
  readonly connect: () => Client;
}

export type Listener = (req: http.IncomingMessage, res: http.ServerResponse, served: Served) => unknown;
export type Talk = (client: Client, served: Served) => unknown;

export interface Case {
  readonly name: string;
  /** Of createServer. */
  readonly options?: (http: HttpModule) => http.ServerOptions;
  /** Sets properties of the server and its listeners, before it listens. */
  readonly serve: (served: Served) => void;
  /** Afterwards the client ends its half, and the server is closed once the connection is. */
  readonly talk: Talk;
  /**
   * `whole`: the order of all lines is compared. `each`: only that of the lines that begin with the same word, for cases
   * whose objects are independent of one another.
   */
  readonly order?: 'whole' | 'each';
  /** The case's server listens on a Unix socket. */
  readonly unix?: boolean;
}

export interface More extends Partial<Case> {
  readonly configure?: (served: Served) => void;
}

/** Sends `bytes` and waits for the end of the server's half. */
function sending(bytes: string): Talk {
  return async (client) => {
    await client.send(bytes);
    await client.over();
  };
}

/** A case of a server with a listener of `request`, to which the client sends `talk`, which lets the server close. */
export function requestCase(name: string, talk: string | Talk, listener: Listener, more: More = {}): Case {
  const { configure, ...rest } = more;
  return {
    name,
    talk: typeof talk === 'string' ? sending(talk) : talk,
    serve: (served) => {
      configure?.(served);
      served.server.on('request', (req, res) => listener(req, res, served));
    },
    ...rest,
  };
}

/** A head with a Host, and the given lines. */
export function head(start: string, ...lines: readonly string[]): string {
  return [`${start} HTTP/1.1`, 'Host: h', ...lines, '', ''].join('\r\n');
}

/** The same; the connection is to be closed after the answer. */
export function last(start: string, ...lines: readonly string[]): string {
  return head(start, ...lines, 'Connection: close');
}

/** Chunked content of `pieces` with its end. */
export function chunked(...pieces: readonly string[]): string {
  return `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;
}
