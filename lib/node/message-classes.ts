/**
 * The classes of a server's requests and responses: those of its options, or Node's own.
 *
 * An Express app gives each request and response another prototype, `Object.setPrototypeOf(request, app.request)`. In Node.js 20 and 22 V8 makes
 * new hidden classes of such objects every time, which takes 40 µs a request. So where the server's one listener is such an app, both are made with
 * these prototypes in the first place, and setting them once more does nothing. No code of the app runs before Express does it.
 */
import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { REQUEST_CLASS, RESPONSE_CLASS } from './internals.js';

/** The options of `ServerResponse`'s constructor. */
interface ResponseOptions {
  readonly highWaterMark: number;
  readonly rejectNonStandardBodyWrites: boolean | undefined;
}

export interface MessageClasses {
  readonly Request: new (socket: Socket) => IncomingMessage;
  readonly Response: new (request: IncomingMessage, options: ResponseOptions) => ServerResponse;
}

/** From this version on V8 keeps the hidden classes, and Node's own constructors are the faster way (measured). */
const FIRST_VERSION_WITHOUT_NEED = 24;
const ownPrototypesPay = Number.parseInt(process.versions.node, 10) < FIRST_VERSION_WITHOUT_NEED;

/** What a listener of the event `request` is if it is an Express app. */
interface ExpressApp {
  readonly request?: unknown;
  readonly response?: unknown;
}

interface Known extends MessageClasses {
  readonly listener: unknown;
}

const known = new WeakMap<Server, Known>();

export function messageClasses(server: Server): MessageClasses {
  const { request: listener } = (server as unknown as { _events: { request?: unknown } })._events;
  const before = known.get(server);
  if (before !== undefined && before.listener === listener) return before;
  const classes = { listener, ...(expressClasses(server, listener) ?? ownClasses(server)) };
  known.set(server, classes);
  return classes;
}

function ownClasses(server: Server): MessageClasses {
  const own = server as unknown as Record<symbol, unknown>;
  return {
    Request: ((REQUEST_CLASS && own[REQUEST_CLASS]) ?? IncomingMessage) as MessageClasses['Request'],
    Response: ((RESPONSE_CLASS && own[RESPONSE_CLASS]) ??
      ServerResponse) as unknown as MessageClasses['Response'],
  };
}

function expressClasses(server: Server, listener: unknown): MessageClasses | null {
  if (!ownPrototypesPay || typeof listener !== 'function') return null;
  const { request, response } = listener as ExpressApp;
  if (!(request instanceof IncomingMessage) || !(response instanceof ServerResponse)) return null;
  const { Request, Response } = ownClasses(server);
  if ((Request as unknown) !== IncomingMessage || (Response as unknown) !== ServerResponse) return null;
  return {
    Request: withPrototype(IncomingMessage as unknown as Constructor, request) as never,
    Response: withPrototype(ServerResponse as unknown as Constructor, response) as never,
  };
}

type Constructor = (this: object, ...args: unknown[]) => void;

/** A constructor that makes what `construct` makes, with another prototype. Node's own are functions that can be called. */
function withPrototype(construct: Constructor, prototype: object): unknown {
  const WithPrototype = function (this: object, first: unknown, second: unknown): void {
    construct.call(this, first, second);
  };
  WithPrototype.prototype = prototype;
  return WithPrototype;
}
