/** What operators are told of the requests of one thread: their lines of the access log, and their OpenTelemetry spans. */
import { routeName } from '../routes/route-key.js';
import { nowMicros } from '../sys/clock.js';
import { remoteAddress, type SocketAddress } from '../sys/socket.js';
import type { AccessEntry } from './access-line.js';
import type { AccessLog } from './access-log.js';
import type { HeadText, KnownRoute, Outcome } from './request-facts.js';
import type { ServerSpan, ServerSpans } from './server-spans.js';
import { traceContextOf } from './trace-context.js';

/** A request that is observed, from its head to its end. */
export interface ObservedRequest {
  readonly head: HeadText;
  /** See AccessEntry.route. */
  readonly route: string | null;
  readonly peer: SocketAddress | undefined;
  readonly beganMicros: number;
  /** The access log has it. */
  readonly isLogged: boolean;
  readonly span: ServerSpan | null;
}

/** As nginx has it: the client has left, and got no response. */
const CLIENT_CLOSED_REQUEST = 499;

export class Telemetry {
  readonly #thread: number;
  readonly #log: AccessLog | null;
  readonly #spans: ServerSpans | null;

  constructor(thread: number, log: AccessLog | null, spans: ServerSpans | null) {
    this.#thread = thread;
    this.#log = log;
    this.#spans = spans;
  }

  /** A request's head is complete. @returns null for one that is not observed */
  began(head: HeadText, route: KnownRoute, fd: number): ObservedRequest | null {
    const isLogged = this.#log?.samples() ?? false;
    if (!isLogged && this.#spans === null) return null;
    const peer = remoteAddress(fd);
    const name = nameOf(route, head);
    const span = this.#spans?.start({ head, route: name, peer }) ?? null;
    return { head, route: name, peer, beganMicros: nowMicros(), isLogged, span };
  }

  /** A handler that is known to block is about to be called. */
  aboutToBlock(): void {
    this.#log?.flush();
  }

  ended(request: ObservedRequest, outcome: Outcome): void {
    request.span?.end(outcome);
    if (!request.isLogged) return;
    const { head, route, peer, beganMicros, span } = request;
    const { bytes, aborted } = outcome;
    const status = outcome.status || CLIENT_CLOSED_REQUEST;
    const traceId = span?.traceId ?? traceContextOf(head)?.traceId ?? null;
    this.#add(
      { head, received: '', status, bytes, aborted, route, traceId },
      peer,
      nowMicros() - beganMicros,
    );
  }

  /** What a client has sent in place of a head was refused. @param received its first line, latin1 */
  refused(fd: number, received: string, status: number, bytes: number): void {
    if (!this.#log?.samples()) return;
    const peer = remoteAddress(fd);
    this.#add({ head: null, received, status, bytes, aborted: false, route: null, traceId: null }, peer, 0);
  }

  #add(
    known: Omit<AccessEntry, 'at' | 'remoteAddress' | 'durationMicros' | 'thread'>,
    peer: SocketAddress | undefined,
    durationMicros: number,
  ): void {
    const at = Date.now() - durationMicros / 1000;
    const address = peer === undefined || peer.family === 'Unix' ? '' : peer.address;
    this.#log!.add({ ...known, at, remoteAddress: address, durationMicros, thread: this.#thread });
  }
}

function nameOf({ hash, declared }: KnownRoute, { text, methodEnd, targetStart, targetEnd }: HeadText) {
  if (declared !== undefined) return declared.name;
  if (hash === 0) return null;
  const line = Buffer.from(text.slice(0, targetEnd), 'latin1');
  return routeName(line, 0, methodEnd, targetStart, targetEnd);
}
