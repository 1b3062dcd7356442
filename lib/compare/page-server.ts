/**
 * The HTTP server of the comparison's page. It has the dashboard's protection (dashboard/access.ts): loopback only, Host, Origin, token.
 *
 * Each page gets what the dashboards send by websockets of its own, so that every page has each dashboard's hello; the frames are made
 * once for all of them. A page that is too slow misses messages.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { Access } from '../dashboard/access.js';
import { type Answer, content, responseOn, send, sentence } from '../dashboard/answers.js';
import { type Asset, asset, filesOf, pageAssets } from '../dashboard/assets.js';
import { refusalOf } from '../dashboard/refusal.js';
import { UpgradeHandler } from '../dashboard/upgrade.js';
import { PacelineError } from '../errors.js';
import type { Comparison } from './comparison.js';
import { loadChange } from './load-change.js';
import { COMPARE_PROTOCOL, type CompareMessage, type LoadState } from './protocol.js';

const HOST = '127.0.0.1';
const MAX_PAGES = 4;
const MAX_CONNECTIONS = 64;
/** A page with more than this unsent gets no further message until it has caught up. */
const SLOW_BYTES = 4 * 1024 * 1024;
/** Close codes of the websocket, as the dashboard has them. */
const CLOSE_STOPS = 1001;
const CLOSE_BAD_MESSAGE = 4002;
/** Bytes of a close reason (RFC 6455, 5.5.1). It is ASCII. */
const MAX_REASON = 123;

const PAGE = fileURLToPath(new URL('./page/', import.meta.url));
/** What the page imports besides its own files and the dashboard's. */
const SHARED = {
  '/compare/protocol.js': new URL('./protocol.js', import.meta.url),
  '/compare/rows.js': new URL('./rows.js', import.meta.url),
};

export class PageServer {
  readonly #http: Server;
  readonly #access: Access;
  readonly #upgrades: UpgradeHandler;
  readonly #comparison: Comparison;
  readonly #files: ReadonlyMap<string, Asset> = findFiles();
  readonly #pages = new Set<WebSocket>();
  /** Whether the load runs while a page is open. */
  #running: boolean;

  private constructor(http: Server, comparison: Comparison, load: LoadState) {
    this.#http = http;
    this.#comparison = comparison;
    this.#running = load.running;
    this.#access = new Access(HOST, http.address() as AddressInfo);
    this.#upgrades = new UpgradeHandler(this.#access, COMPARE_PROTOCOL);
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      http.on(event, (request, response) => this.#answer(request, response));
    }
    http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
  }

  /**
   * Listens.
   *
   * @param port 0 for any free one
   * @throws PacelineError `PACELINE_ADDRESS_IN_USE` or `PACELINE_ADDRESS`
   */
  static async listen(port: number, comparison: Comparison, load: LoadState): Promise<PageServer> {
    const http = createServer();
    http.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)));
      http.listen({ host: HOST, port }, resolve);
    });
    return new PageServer(http, comparison, load);
  }

  /** Where the page is, with the token in its fragment. */
  get url(): string {
    return `http://${HOST}:${(this.#http.address() as AddressInfo).port}/#${this.#access.token}`;
  }

  /** @param why the pages say */
  async close(why: string): Promise<void> {
    for (const page of this.#pages) page.close(CLOSE_STOPS, why.slice(0, MAX_REASON));
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    for (const page of this.#pages) page.terminate();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    send(request, response, this.#refusal(request) ?? this.#answerTo(request));
  }

  #answerTo({ url = '', headers }: IncomingMessage): Answer {
    if (url === '/healthz') return sentence(200, 'alive');
    if (url === '/token') {
      const isToken = this.#access.isToken(/^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]);
      return isToken ? sentence(200, 'right') : sentence(401, 'The token is missing or wrong.');
    }
    if (url === '/ws') return sentence(426, 'This is the websocket of the page.', { upgrade: 'websocket' });
    const file = this.#files.get(url)!;
    return content(file.type, file.content, { 'cache-control': 'no-cache' });
  }

  #refusal(request: IncomingMessage, only?: string): Answer | null {
    const { url = '' } = request;
    const isKnown = ['/healthz', '/token', '/ws'].includes(url) || this.#files.has(url);
    return refusalOf(request, this.#access, isKnown ? { methods: ['GET', 'HEAD'] } : undefined, only);
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // RFC 9110, 7.8: an unknown protocol is ignored.
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      this.#answer(request, responseOn(request, socket));
      return;
    }
    const full = sentence(429, `${MAX_PAGES} pages show this comparison already, and more may not.`);
    const refusal = this.#refusal(request, '/ws') ?? (this.#pages.size < MAX_PAGES ? null : full);
    this.#upgrades.handle(request, socket, head, refusal, (page) => this.#add(page));
  }

  #add(page: WebSocket): void {
    const tell = (text: string): void => {
      if (page.readyState === WebSocket.OPEN && page.bufferedAmount < SLOW_BYTES) page.send(text);
    };
    const say = (message: CompareMessage): void => tell(JSON.stringify(message));
    this.#pages.add(page);
    say(this.#comparison.hello());
    const feeds = this.#comparison.models.map((_, server) =>
      // The dashboard's message is JSON already.
      this.#comparison.feed(server, (text) => tell(`{"type":"server","server":${server},"message":${text}}`)),
    );
    const stop = this.#comparison.listen(say);
    page.on('message', (data, isBinary) => {
      const change = isBinary ? null : loadChange(String(data), this.#comparison.mixes);
      if (change === null) page.close(CLOSE_BAD_MESSAGE, 'not a message of this protocol');
      else this.#set(change);
    });
    page.on('error', () => {});
    page.on('close', () => {
      stop();
      for (const feed of feeds) feed[Symbol.dispose]();
      this.#pages.delete(page);
      this.#follow();
    });
    this.#follow();
    say(this.#comparison.figures());
  }

  #set(change: Partial<LoadState>): void {
    this.#running = change.running ?? this.#running;
    this.#comparison.set({ ...change, running: this.#running });
  }

  /** Load is sent while somebody looks: a page that was closed leaves the processor to others. */
  #follow(): void {
    const running = this.#running && this.#pages.size > 0;
    if (running !== this.#comparison.load.running) this.#comparison.set({ running });
  }
}

function findFiles(): ReadonlyMap<string, Asset> {
  const files = new Map([...pageAssets('/dashboard/'), ...filesOf(PAGE, '/compare/page/')]);
  for (const [path, file] of Object.entries(SHARED)) files.set(path, asset(fileURLToPath(file)));
  files.set('/', files.get('/compare/page/index.html')!);
  return files;
}

function listenError(cause: NodeJS.ErrnoException, port: number): PacelineError {
  const isTaken = cause.code === 'EADDRINUSE';
  const message = isTaken
    ? `port ${port} for the comparison's page is taken; choose another one, or 0 for any free one`
    : `the comparison's page cannot listen on port ${port} (${cause.code})`;
  return new PacelineError(isTaken ? 'PACELINE_ADDRESS_IN_USE' : 'PACELINE_ADDRESS', message, { cause });
}
