/** A connection to a Node server whose requests are observed: those of the access log. */
import type { ServerResponse } from 'node:http';
import { firstLine } from '../http/input-window.js';
import type { Route } from '../http/routes.js';
import type { ObservedRequest, Telemetry } from '../telemetry/telemetry.js';
import { NodeConnection } from './connection.js';
import { type NodeExchange, SWITCHING_PROTOCOLS } from './exchange.js';
import type { NodeThread } from './node-thread.js';

interface Observed {
  readonly request: ObservedRequest;
  readonly exchange: NodeExchange;
  /** Bytes that the connection had written when the request began. */
  readonly writtenBefore: number;
}

export class ObservedNodeConnection extends NodeConnection {
  readonly #telemetry: Telemetry;
  /** The request under way, if it is observed. */
  #observed: Observed | null = null;

  constructor(thread: NodeThread, telemetry: Telemetry) {
    super(thread);
    this.#telemetry = telemetry;
  }

  protected override beginExchange(route: Route): NodeExchange {
    const exchange = super.beginExchange(route);
    const request = this.#telemetry.began(exchange.head, route, this.fd);
    this.#observed = request && { request, exchange, writtenBefore: this.#written };
    return exchange;
  }

  protected override callHandler(exchange: NodeExchange): void {
    if (exchange.route.blocks) this.#telemetry.aboutToBlock();
    super.callHandler(exchange);
  }

  override responded(exchange: NodeExchange, last: boolean): void {
    if (this.#observed?.exchange === exchange) this.#ended(exchange.response.statusCode, false);
    super.responded(exchange, last);
  }

  /** Also of a request for another protocol, which has no response. */
  protected override finish(): void {
    this.#ended(SWITCHING_PROTOCOLS, false);
    super.finish();
  }

  protected override refuseRequest(exchange: NodeExchange | null, status: number, reason: string): boolean {
    if (exchange === null) this.#telemetry.refused(this.fd, firstLine(this.input), status, 0);
    else this.#ended(exchange.answered ? exchange.response.statusCode : status, exchange.answered);
    return super.refuseRequest(exchange, status, reason);
  }

  protected override detach(): void {
    const response = this.#observed?.exchange.response;
    this.#ended(response?.headersSent ? response.statusCode : 0, true);
    super.detach();
  }

  get #written(): number {
    return this.output.sentBytes + this.output.queuedBytes;
  }

  #ended(status: number, aborted: boolean): void {
    const observed = this.#observed;
    if (observed === null) return;
    this.#observed = null;
    const { request, exchange, writtenBefore } = observed;
    const bytes = Math.max(0, this.#written - writtenBefore - headBytes(exchange.response));
    this.#telemetry.ended(request, { status, bytes, aborted });
  }
}

/** Bytes of the head; 0 while it has not been sent. */
function headBytes(response: ServerResponse): number {
  const { _header: head } = response as unknown as { _header: string | null };
  return head?.length ?? 0;
}
