/** The dashboard's endpoints. A request that reaches one has passed the checks of server.ts and has no content. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from './access.js';
import { type Answer, COMMON_HEADERS, content, sentence } from './answers.js';
import { findAssets } from './assets.js';
import { captureTrace } from './capture.js';
import type { LiveDashboard } from './live-dashboard.js';

export interface Endpoint {
  readonly methods: readonly string[];
  /** @returns null if the endpoint has sent its answer itself */
  answer(request: IncomingMessage, response: ServerResponse): Answer | null | Promise<Answer | null>;
}

export type Stage = 'starting' | 'serving' | 'draining';

/** What the endpoints need from the server. */
export interface Dependencies {
  readonly access: Access;
  stage(): Stage;
  /** Null while the server is starting. */
  dashboard(): LiveDashboard | null;
  /** Whether the server counts as ready while it is degraded. */
  readonly readyWhenDegraded: boolean;
  /** Aborted when the dashboard closes. */
  readonly closing: AbortSignal;
}

const READ = ['GET', 'HEAD'];
const JSON_TYPE = 'application/json; charset=utf-8';
/** The longest time that a trace may record. */
const TRACE_MAX_MS = 30_000;

/** By path. */
export function endpointsOf(dependencies: Dependencies): ReadonlyMap<string, Endpoint> {
  const read = (answer: Endpoint['answer']): Endpoint => ({ methods: READ, answer });
  const whenLive = (answer: (dashboard: LiveDashboard) => Answer | Promise<Answer>): Endpoint =>
    read(() => {
      const dashboard = dependencies.dashboard();
      return dashboard === null ? starting() : answer(dashboard);
    });
  const traces = new Traces(dependencies);
  const endpoints = new Map([
    ['/healthz', read(() => sentence(200, 'alive'))],
    ['/readyz', read(() => readiness(dependencies))],
    ['/metrics', whenLive(async ({ metrics }) => content(metrics.contentType, await metrics.text()))],
    ['/api/threads', whenLive(async ({ threads }) => content(JSON_TYPE, await threads.get()))],
    ['/api/trace', read((request, response) => traces.answer(request, response))],
    // A request for an upgrade takes another path; see upgrade.ts.
    ['/ws', read(() => sentence(426, 'This is the websocket of the page.', { upgrade: 'websocket' }))],
  ]);
  for (const [path, asset] of findAssets()) {
    endpoints.set(
      path,
      read(() => content(asset.type, asset.content, { 'cache-control': 'no-cache' })),
    );
  }
  return endpoints;
}

const starting = (): Answer => sentence(503, 'The server is starting.', { 'retry-after': '1' });

/** It needs no token, so it names the kinds of problems, and no request. */
function readiness({ stage, dashboard, readyWhenDegraded }: Dependencies): Answer {
  const verdict = stage() === 'serving' ? dashboard()?.sampler.recent().health.verdict : undefined;
  if (verdict === undefined) return sentence(503, stage());
  const { level, reasons } = verdict;
  const why = `${level}: ${reasons.join(', ')}`;
  if (level === 'healthy') return sentence(200, 'serving');
  return level === 'degraded' && readyWhenDegraded ? sentence(200, `serving, ${why}`) : sentence(503, why);
}

/** Traces, one at a time: two would read the same rings and double the work of the main thread. */
class Traces {
  readonly #dependencies: Dependencies;
  #busy = false;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | null> {
    const { access, dashboard, closing } = this.#dependencies;
    if (!access.isToken(/^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1])) {
      return sentence(401, 'A trace needs the token, as in Authorization: Bearer TOKEN.', {
        'www-authenticate': 'Bearer realm="paceline"',
      });
    }
    const ms = msOf(request);
    if (ms === null) {
      return sentence(400, `ms must be a whole number from 0 to ${TRACE_MAX_MS}, as in /api/trace?ms=5000.`);
    }
    const monitored = dashboard()?.monitored;
    if (monitored === undefined) return starting();
    if (closing.aborted) return sentence(503, 'The server stops.');
    if (request.method === 'HEAD') return content(JSON_TYPE, '');
    if (this.#busy) return sentence(409, 'Another trace is being recorded; ask again when it has ended.');
    this.#busy = true;
    try {
      response.writeHead(200, {
        ...COMMON_HEADERS,
        'content-type': JSON_TYPE,
        'content-disposition': `attachment; filename="paceline-trace-${Date.now()}.json"`,
      });
      const facts = {
        pid: process.pid,
        name: `paceline ${monitored.app}`,
        threads: monitored.threads().length,
      };
      const signal = stopSignal(closing, response);
      const sink = { write: (text: string) => written(response, text) };
      await captureTrace(monitored.observed, facts, { ms, sink, signal });
      response.end();
    } finally {
      this.#busy = false;
    }
    return null;
  }
}

function msOf({ url = '' }: IncomingMessage): number | null {
  const texts = new URLSearchParams(url.split('?', 2)[1] ?? '').getAll('ms');
  const text = texts.length === 1 ? texts[0]! : '';
  return /^\d{1,5}$/.test(text) && Number(text) <= TRACE_MAX_MS ? Number(text) : null;
}

/** Aborted when the client disconnects or the dashboard closes, whichever comes first. */
function stopSignal(closing: AbortSignal, response: ServerResponse): AbortSignal {
  const stop = new AbortController();
  const close = (): void => stop.abort(closing.reason);
  closing.addEventListener('abort', close);
  response.once('close', () => {
    closing.removeEventListener('abort', close);
    stop.abort('the client left');
  });
  return stop.signal;
}

/** Resolves once the response accepts more, or its client has disconnected. */
function written(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
