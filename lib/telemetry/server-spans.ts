/**
 * OpenTelemetry's span of a request of a fetch app, of kind SERVER, with the attributes of the HTTP semantic conventions
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Requests to Node servers have theirs from instrumentation-http.
 *
 * The SDK is the app's, so what it throws is logged, and costs the request nothing else.
 */
import type { SocketAddress } from '../sys/socket.js';
import {
  type Attributes,
  type Context,
  isSetUp,
  loadApi,
  type OpenTelemetryApi,
  type Span,
  type Tracer,
} from './opentelemetry-api.js';
import { type HeadText, LINE_END, type Outcome, versionOf } from './request-facts.js';

/** Of SpanKind and SpanStatusCode. */
const KIND_SERVER = 1;
const STATUS_ERROR = 2;

/** Methods that are names of low cardinality; others are reported as `_OTHER`. */
const KNOWN_METHODS = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

type Log = (level: 'warn', message: string, fields: { readonly error: unknown }) => void;

export interface SpanStart {
  readonly head: HeadText;
  readonly route: string | null;
  readonly peer: SocketAddress | undefined;
}

export interface ServerSpan {
  readonly traceId: string;
  /** Calls `call` with the span active. */
  within(call: () => void): void;
  end(outcome: Outcome): void;
}

export class ServerSpans {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: Tracer;
  readonly #failed: (error: unknown) => void;

  /**
   * @param app the URL of the app module
   * @returns null where no SDK is set up, or its API package is not found
   */
  static open(app: string, log: Log): ServerSpans | null {
    if (!isSetUp()) return null;
    try {
      return new ServerSpans(loadApi(app), (error) => log('warn', 'OpenTelemetry has failed', { error }));
    } catch (error) {
      log('warn', 'there are no spans: the package @opentelemetry/api was not found', { error });
      return null;
    }
  }

  /** @param failed is told what the app's SDK throws */
  constructor(api: OpenTelemetryApi, failed: (error: unknown) => void) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('paceline');
    this.#failed = failed;
  }

  /** Begins the span of a request, as a child of the one that the request names. @returns null when that fails */
  start(request: SpanStart): ServerSpan | null {
    const { propagation, trace, ROOT_CONTEXT } = this.#api;
    return this.#guarded(() => {
      const fields = fieldsOf(request.head);
      const parent = propagation.extract(ROOT_CONTEXT, fields, FIELDS);
      const attributes = attributesOf(request, fields);
      const span = this.#tracer.startSpan(nameOf(attributes), { kind: KIND_SERVER, attributes }, parent);
      return this.#serverSpan(span, trace.setSpan(parent, span));
    });
  }

  #serverSpan(span: Span, context: Context): ServerSpan {
    return {
      traceId: span.spanContext().traceId,
      within: (call) => {
        let called = false;
        this.#guarded(() =>
          this.#api.context.with(context, () => {
            called = true;
            call();
          }),
        );
        if (!called) call();
      },
      end: (outcome) => this.#guarded(() => end(span, outcome)),
    };
  }

  #guarded<T>(call: () => T): T | null {
    try {
      return call();
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }
}

function end(span: Span, { status, error }: Outcome): void {
  if (status > 0) span.setAttribute('http.response.status_code', status);
  const failed = error !== undefined;
  if (failed) span.recordException(error instanceof Error ? error : String(error));
  if (failed || status >= 500) {
    span.setAttribute('error.type', error instanceof Error ? error.name : String(status));
    span.setStatus({ code: STATUS_ERROR });
  }
  span.end();
}

const nameOf = ({ 'http.request.method': method, 'http.route': route }: Attributes): string => {
  const name = method === '_OTHER' ? 'HTTP' : String(method);
  return route === undefined ? name : `${name} ${route}`;
};

function attributesOf({ head, route, peer }: SpanStart, fields: Fields): Attributes {
  const { text, methodEnd, targetStart, targetEnd } = head;
  const method = text.slice(0, methodEnd);
  const isKnown = KNOWN_METHODS.has(method);
  const attributes: Attributes = {
    'http.request.method': isKnown ? method : '_OTHER',
    'url.scheme': 'http',
    'url.path': pathOf(text.slice(targetStart, targetEnd)),
    'network.protocol.version': versionOf(head),
  };
  if (!isKnown) attributes['http.request.method_original'] = method;
  if (route !== null) attributes['http.route'] = route.slice(route.indexOf('/'));
  const agent = fields.get('user-agent');
  if (agent !== undefined) attributes['user_agent.original'] = agent;
  addServer(attributes, fields.get('host') ?? '');
  if (peer !== undefined && peer.family !== 'Unix') {
    attributes['client.address'] = peer.address;
    attributes['network.peer.address'] = peer.address;
    attributes['network.peer.port'] = peer.port;
  }
  return attributes;
}

/** The target's path. Queries are left out, as they may have secrets in them. */
function pathOf(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  const query = path.indexOf('?');
  return (query < 0 ? path : path.slice(0, query)) || '/';
}

/** The host and port that the client has asked for. */
function addServer(attributes: Attributes, host: string): void {
  const [, address, port] = /^(.+?)(?::(\d+))?$/.exec(host) ?? [];
  if (address === undefined) return;
  attributes['server.address'] = address.replace(/^\[(.*)\]$/, '$1');
  attributes['server.port'] = port === undefined ? 80 : Number(port);
}

/** The fields of the request by their names in lower case; those of one name as one list (RFC 9110, 5.3). */
type Fields = Map<string, string>;

const FIELDS = {
  keys: (fields: Fields): string[] => [...fields.keys()],
  get: (fields: Fields, name: string): string | undefined => fields.get(name.toLowerCase()),
};

function fieldsOf({ text }: HeadText): Fields {
  const fields: Fields = new Map();
  const [, ...lines] = text.split(LINE_END);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before},${value}`);
  }
  return fields;
}
