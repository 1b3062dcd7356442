/**
 * The dashboard's own HTTP server. It runs on the main thread, where no handler of a user ever runs, so it answers while
 * every thread is blocked. What one client can use of it is bounded. Its stages, and what it serves in each:
 *
 *   listen() ── starting: /healthz, the page ──serve()── everything ──drain()── /readyz is 503 ──close()── nothing
 *
 * Each request is checked for whether it is meant for this server (access.ts), then for its path, its method, and that it has
 * no content. Then its endpoint answers it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PacelineError } from '../errors.js';
import type { Logger } from '../logger.js';
import { inUrl } from '../options/host-port.js';
import { DashboardAcceptor } from './acceptor.js';
import { Access } from './access.js';
import { type Answer, responseOn, send, sentence } from './answers.js';
import { Connections } from './connections.js';
import { type Endpoint, endpointsOf, type Stage } from './endpoints.js';
import { type LivePace, PACE } from './live.js';
import { type LiveDashboard, liveDashboardOf } from './live-dashboard.js';
import type { MonitoredServer } from './monitored-server.js';
import { type Death, MAX_DEATHS } from './protocol.js';
import { pathOf, refusalOf } from './refusal.js';
import { TaskQueue } from './task-queue.js';
import { UpgradeHandler } from './upgrade.js';

/** Where the dashboard listens, and what it makes of requests. */
export interface DashboardSettings {
  /** A name or an address. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Default: a new one. */
  readonly token?: string | null;
  /** Whether /readyz is 200 while the server is degraded. Default: true. */
  readonly readyWhenDegraded?: boolean;
}

/** Websockets: pages, `paceline top`, and other clients with the token. A frame is made once, but sent to each. */
const MAX_CLIENTS = 16;
const KEEP_ALIVE_TIMEOUT_MS = 5000;
/** How long a connection may make no progress in the middle of an answer. */
const SILENCE_MS = 30_000;
const HEADER_BYTES = 8192;
/** How long connections have to close after the dashboard begins to close. */
const CLOSE_MS = 2000;
/** Answers of this length and longer go through the task queue, after short ones. */
const LARGE_BYTES = 8192;

interface Parts {
  readonly http: Server;
  readonly acceptor: DashboardAcceptor;
  readonly connections: Connections;
}

export class Dashboard {
  readonly #acceptor: DashboardAcceptor;
  readonly #connections: Connections;
  readonly #largeAnswers = new TaskQueue();
  readonly #logger: Logger;
  readonly #pace: LivePace;
  readonly #access: Access;
  readonly #upgradeHandler: UpgradeHandler;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #deaths: Death[] = [];
  readonly #closing = new AbortController();
  #stage: Stage = 'starting';
  #dashboard: LiveDashboard | null = null;
  readonly host: string;
  readonly port: number;

  private constructor(parts: Parts, settings: DashboardSettings, logger: Logger, pace: LivePace) {
    const { http, acceptor, connections } = parts;
    const { host, token = null, readyWhenDegraded = true } = settings;
    this.#acceptor = acceptor;
    this.#connections = connections;
    this.#logger = logger;
    this.#pace = pace;
    this.host = host;
    this.port = acceptor.address.port;
    this.#access = new Access(host, acceptor.address, token);
    this.#upgradeHandler = new UpgradeHandler(this.#access);
    this.#endpoints = endpointsOf({
      access: this.#access,
      stage: () => this.#stage,
      dashboard: () => this.#dashboard,
      readyWhenDegraded,
      closing: this.#closing.signal,
    });
    // Also those with an Expect field, to which node:http would respond with 100 or 417 without any check.
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      http.on(event, (request, response) => void this.#answer(request, response));
    }
    http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
  }

  /**
   * Listens. Until {@link serve} the server counts as starting.
   *
   * @throws PacelineError `PACELINE_ADDRESS_IN_USE` or `PACELINE_ADDRESS`
   */
  static async listen(settings: DashboardSettings, logger: Logger, pace = PACE): Promise<Dashboard> {
    // It does not listen itself: the acceptor passes it connections.
    const http = createServer({
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: HEADER_BYTES,
    });
    http.setTimeout(SILENCE_MS);
    const connections = new Connections(logger);
    const admit = (socket: Socket): void => {
      if (connections.admit(socket)) http.emit('connection', socket);
    };
    try {
      const acceptor = await DashboardAcceptor.open(
        settings,
        { admit, makeRoom: () => connections.makeRoom() },
        logger,
      );
      return new Dashboard({ http, acceptor, connections }, settings, logger, pace);
    } catch (error) {
      connections[Symbol.dispose]();
      throw listenError(error as PacelineError, settings);
    }
  }

  /** Where the page is, with the token in its fragment. */
  get url(): string {
    return `http://${inUrl(this.host)}:${this.port}/#${this.#access.token}`;
  }

  /** The server serves: begins to show it. */
  serve(monitored: MonitoredServer): void {
    this.#dashboard = liveDashboardOf(monitored, this.#deaths, this.#pace, this.#logger);
    this.#stage = 'serving';
  }

  /** The server begins to close: it is no longer ready, but is still shown. */
  drain(): void {
    this.#stage = 'draining';
    void this.#dashboard?.loads?.close();
  }

  /** To be called when a thread died without having been told to end. */
  died(death: Death): void {
    this.#deaths.push(death);
    if (this.#deaths.length > MAX_DEATHS) this.#deaths.shift();
  }

  /** Closes everything in bounded time: traces end as complete files, websockets with CLOSE_SERVER_STOPS. */
  async close(): Promise<void> {
    this.#stage = 'draining';
    this.#acceptor.close();
    this.#closing.abort('the server stopped');
    this.#dashboard?.live.close();
    this.#dashboard?.sampler[Symbol.dispose]();
    this.#connections.close();
    await this.#dashboard?.loads?.close();
    const timer = setTimeout(() => this.#connections.destroyAll(), CLOSE_MS);
    await this.#connections.allClosed();
    clearTimeout(timer);
    this.#connections[Symbol.dispose]();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#connections.beginRequest(request.socket, response)) return;
    try {
      const answer = this.#refusal(request) ?? (await this.#endpoint(request)!.answer(request, response));
      if (answer === null) return;
      if (answer.body.length < LARGE_BYTES) this.#send(request, response, answer);
      else this.#largeAnswers.add(() => this.#send(request, response, answer));
    } catch (error) {
      this.#logger.error('the dashboard could not answer a request', { error });
      const answer = sentence(500, 'Something went wrong here; the log has the error.');
      if (response.headersSent) response.destroy();
      else this.#send(request, response, answer);
    }
  }

  /** Catches what sending throws: a client must not be able to cause an uncaught exception. */
  #send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    try {
      send(request, response, answer);
    } catch (error) {
      this.#logger.error('the dashboard could not send an answer', { error });
      response.destroy();
    }
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // RFC 9110, 7.8: an unknown protocol is ignored. Clients that prefer HTTP/2 offer it with every request.
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      void this.#answer(request, responseOn(request, socket));
      return;
    }
    this.#upgradeHandler.handle(request, socket, head, this.#upgradeRefusal(request), (client) => {
      this.#connections.upgraded(request.socket);
      this.#dashboard!.live.add(client);
    });
  }

  #upgradeRefusal(request: IncomingMessage): Answer | null {
    const refusal = this.#refusal(request, '/ws');
    if (refusal !== null) return refusal;
    if (this.#dashboard === null || this.#closing.signal.aborted) {
      return sentence(503, 'The server does not serve at the moment.', { 'retry-after': '1' });
    }
    if (this.#dashboard.live.clients < MAX_CLIENTS) return null;
    return sentence(429, `${MAX_CLIENTS} clients look at this server already, and more may not.`, {
      'retry-after': '10',
    });
  }

  #refusal(request: IncomingMessage, only?: string): Answer | null {
    return refusalOf(request, this.#access, this.#endpoint(request), only);
  }

  #endpoint(request: IncomingMessage): Endpoint | undefined {
    return this.#endpoints.get(pathOf(request));
  }
}

function listenError(cause: PacelineError, { host, port }: DashboardSettings): PacelineError {
  const where = `${inUrl(host)}:${port}`;
  const taken = cause.code === 'PACELINE_ADDRESS_IN_USE';
  const message = taken
    ? `the address ${where} for the dashboard is taken; choose another port, 0 for any free one, or leave the dashboard off`
    : `the dashboard cannot listen on ${where} (${cause.message}); choose an address of this machine`;
  return new PacelineError(taken ? 'PACELINE_ADDRESS_IN_USE' : 'PACELINE_ADDRESS', message, { cause });
}
