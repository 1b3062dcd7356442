/** What the control plane knows of a listener and of the threads that ask for it; the rules are in listeners.ts. */
import { NODE_CONNECTION, SOCKET_CONNECTION } from '../connection/event-handler.js';
import type { SocketAddress } from '../sys/socket.js';
import type { ControlMessage, ListenRequest, Protocol } from '../thread/messages.js';
import type { Listener } from './listener.js';

/** Where the server listens. */
export interface ListenerInfo {
  readonly address: SocketAddress;
  readonly protocol: Protocol;
}

/** A thread from its start to its end; a replacement is another one. */
export interface Peer {
  readonly thread: number;
  /** Its number in the server. */
  readonly number: number;
  /** Whether it runs handlers. */
  readonly handles: boolean;
  readonly post: (message: ControlMessage) => void;
  /** It is in the set, or has been told to join. */
  joined: boolean;
  /** Lets it join; null unless it is loaded and waits. */
  admit: (() => void) | null;
}

/** How the threads of a set are numbered. */
export interface ThreadNumbers {
  /** The number of thread 0 in the server. */
  readonly firstThread: number;
  /** How many of the first threads run no handler. */
  readonly ioThreads: number;
}

export const makePeer = (
  thread: number,
  post: Peer['post'],
  { firstThread, ioThreads }: ThreadNumbers,
): Peer => ({
  thread,
  number: firstThread + thread,
  handles: thread >= ioThreads,
  post,
  joined: false,
  admit: null,
});

export interface Entry {
  readonly index: number;
  readonly request: ListenRequest;
  /** Which event handler serves its connections. */
  readonly kind: number;
  /** Open and listening; null before. */
  socket: Listener | null;
  opened: Promise<void>;
  /** Threads whose server has asked for it, and those whose server is attached. */
  readonly asked: Set<Peer>;
  readonly attached: Set<Peer>;
  registered: boolean;
  /** Every thread serves it, as it is the address of the module's export. */
  readonly isExport: boolean;
}

export function makeEntry(
  index: number,
  request: ListenRequest,
  serves: { kind: number; isExport: boolean },
): Entry {
  return {
    index,
    request,
    ...serves,
    socket: null,
    opened: Promise.resolve(),
    asked: new Set(),
    attached: new Set(),
    registered: false,
  };
}

/** Who serves the connections of a request. */
export const kindOf = ({ protocol }: ListenRequest) =>
  ({
    kind: protocol === 'http' ? NODE_CONNECTION : SOCKET_CONNECTION,
    isExport: false,
  }) as const;

export const infoOf = ({ socket, request }: Entry): ListenerInfo => ({
  address: socket!.address,
  protocol: request.protocol,
});

/** Whether two threads that make these requests get the same listener. */
export function isEqual(one: ListenRequest, other: ListenRequest): boolean {
  return (
    one.address === other.address &&
    one.port === other.port &&
    one.path === other.path &&
    one.protocol === other.protocol
  );
}

/** Whether a thread still asks for the listener whose close counts (R3 and R4). */
export const isWanted = ({ asked, registered }: Entry): boolean =>
  [...asked].some(({ handles }) => handles || !registered);
