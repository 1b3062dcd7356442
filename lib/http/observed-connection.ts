/** A connection to a fetch app whose requests are observed. Where nothing observes them, a FetchConnection pays nothing for this. */
import type { ObservedRequest, Telemetry } from '../telemetry/telemetry.js';
import { CountingResponder } from './counting-responder.js';
import type { Exchange } from './exchange.js';
import { FetchConnection } from './fetch-connection.js';
import type { FetchThread } from './fetch-thread.js';
import { firstLine } from './input-window.js';
import type { Route } from './routes.js';

interface Observed {
  readonly request: ObservedRequest;
  readonly exchange: Exchange;
}

export class ObservedFetchConnection extends FetchConnection {
  protected declare readonly responder: CountingResponder;
  readonly #telemetry: Telemetry;
  /** The request under way, if it is observed. */
  #observed: Observed | null = null;

  constructor(thread: FetchThread, telemetry: Telemetry) {
    super(thread, CountingResponder);
    this.#telemetry = telemetry;
  }

  protected override beginExchange(route: Route): Exchange {
    const exchange = super.beginExchange(route);
    this.responder.reset();
    const request = this.#telemetry.began(exchange.head, route, this.fd);
    this.#observed = request && { request, exchange };
    request?.span?.within(() => exchange.rescope());
    return exchange;
  }

  protected override callHandler(exchange: Exchange): void {
    if (exchange.route.blocks) this.#telemetry.aboutToBlock();
    super.callHandler(exchange);
  }

  protected override finish(): void {
    this.#ended(false);
    super.finish();
  }

  protected override refuseRequest(exchange: Exchange | null, status: number, reason: string): boolean {
    const { fd } = this;
    const answered = super.refuseRequest(exchange, status, reason);
    if (exchange !== null) this.#ended(!answered);
    else this.#telemetry.refused(fd, firstLine(this.input), status, this.responder.bytes);
    return answered;
  }

  /** The connection ends, or is left between two requests. */
  protected override detach(): void {
    this.#ended(true);
    super.detach();
  }

  #ended(aborted: boolean): void {
    const observed = this.#observed;
    if (observed === null) return;
    this.#observed = null;
    const { request, exchange } = observed;
    const { status, bytes } = this.responder;
    // A handler that only gave up as its client had left has not failed.
    const error = status === 0 ? undefined : (exchange.error ?? this.responder.error);
    // The span's processors are code of the app.
    exchange.inScope(() => this.#telemetry.ended(request, { status, bytes, aborted, error }));
  }
}
