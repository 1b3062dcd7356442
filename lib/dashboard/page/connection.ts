/**
 * The websocket to the server, and how the page reconnects.
 *
 *   NO TOKEN     CONNECTING ── hello ──▶ LIVE
 *                 ▲     │ failed          │ closed, or silent
 *                 │     ▼                 ▼
 *                 └── LOST ◀──────────────┘
 *                       │ the server serves, yet refuses the upgrade
 *                       ▼
 *                    REFUSED ── goes on trying, in case the server recovers; a new fragment in the URL starts over
 */
import {
  CLOSE_SERVER_STOPS,
  CLOSE_TOO_SLOW,
  type ClientMessage,
  PROTOCOL,
  type ServerMessage,
  TOKEN_PREFIX,
} from '../protocol.js';
import { FAILURES_BEFORE_ASKING, MAX_DELAY_MS, retryDelayMs } from './retry.js';

export type Status =
  | { readonly kind: 'no-token' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly why: string; readonly since: number }
  | { readonly kind: 'refused'; readonly why: string };

/** The control plane never blocks, so a connection without messages for this long is broken. */
const SILENCE_MS = 5000;

const TOKEN_IS_WRONG =
  'The token is not right any more: use the address that the server printed when it started.';
const NOT_SERVING = 'The server is there, but does not serve: it starts, or it stops.';
const REFUSED_OTHERWISE =
  'The server answers, but does not let this page in. Perhaps too many dashboards are open, or the token is not right any more: use the address that the server printed when it started.';

/** What differs between the pages that connect. */
interface Endpoint {
  readonly protocol: string;
  /** Answers 401 where the token is wrong. */
  readonly probe: string;
  /** The sentence for a server that stopped, by the reason that it gave. */
  whyStopped(reason: string): string;
}

const DASHBOARD: Endpoint = {
  protocol: PROTOCOL,
  probe: '/api/trace?ms=0',
  whyStopped: () => 'The server stopped.',
};

export class Connection<Received extends { readonly type: string } = ServerMessage, Sent = ClientMessage> {
  readonly #onStatus: (status: Status) => void;
  readonly #onMessage: (message: Received) => void;
  readonly #to: Endpoint;
  #socket: WebSocket | null = null;
  #token = '';
  #failures = 0;
  #lostSince = 0;
  /** Why the page lost the server: later tries only find that nobody answers. */
  #lostBy = '';
  #refused = false;
  /** The reason that #ask found, which is more precise than a close code. */
  #reason: string | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(onStatus: (status: Status) => void, onMessage: (message: Received) => void, to = DASHBOARD) {
    this.#onStatus = onStatus;
    this.#onMessage = onMessage;
    this.#to = to;
  }

  get token(): string {
    return this.#token;
  }

  /** Starts over with a token; an empty one means none. */
  open(token: string): void {
    clearTimeout(this.#retry);
    this.#drop();
    this.#token = token;
    this.#failures = 0;
    this.#lostSince = 0;
    this.#refused = false;
    this.#reason = null;
    if (token === '') this.#onStatus({ kind: 'no-token' });
    else {
      this.#onStatus({ kind: 'connecting' });
      this.#connect();
    }
  }

  send(message: Sent): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect(): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    let socket: WebSocket;
    try {
      socket = new WebSocket(`${scheme}://${location.host}/ws`, [
        this.#to.protocol,
        TOKEN_PREFIX + this.#token,
      ]);
    } catch {
      // The fragment has characters that are invalid in a subprotocol (RFC 6455, 4.1), so it is not a server's token.
      this.#onStatus({ kind: 'refused', why: TOKEN_IS_WRONG });
      return;
    }
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (socket !== this.#socket) return;
      this.#listenFor(socket);
      const message = JSON.parse(data as string) as Received;
      if (message.type === 'hello') {
        this.#failures = 0;
        this.#lostSince = 0;
        this.#refused = false;
        this.#reason = null;
        this.#onStatus({ kind: 'live' });
      }
      this.#onMessage(message);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (socket === this.#socket) this.#lost(code, reason);
    });
  }

  #listenFor(socket: WebSocket): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (socket === this.#socket) this.#lost();
    }, SILENCE_MS);
  }

  #lost(code = 0, reason = ''): void {
    this.#drop();
    this.#failures++;
    if (this.#lostSince === 0) {
      this.#lostSince = Date.now();
      this.#lostBy = code === CLOSE_SERVER_STOPS ? this.#to.whyStopped(reason) : why(code);
    }
    if (this.#failures >= FAILURES_BEFORE_ASKING) void this.#ask();
    const delayMs = this.#refused ? MAX_DELAY_MS : retryDelayMs(this.#failures);
    if (!this.#refused) this.#tellLost();
    this.#retry = setTimeout(() => this.#connect(), delayMs);
  }

  #tellLost(): void {
    this.#onStatus({ kind: 'lost', why: this.#reason ?? this.#lostBy, since: this.#lostSince });
  }

  #drop(): void {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Browsers do not tell a page why an upgrade failed, so it finds out with other requests. */
  async #ask(): Promise<void> {
    const token = this.#token;
    try {
      const health = await fetch('/healthz', { cache: 'no-store' });
      if (!health.ok) return;
      const probe = await fetch(this.#to.probe, {
        method: 'HEAD',
        cache: 'no-store',
        headers: { authorization: `Bearer ${token}` },
      });
      if (token !== this.#token || this.#failures < FAILURES_BEFORE_ASKING) return;
      if (probe.status === 503) {
        this.#refused = false;
        this.#reason = NOT_SERVING;
        this.#tellLost();
        return;
      }
      const wrong = probe.status === 401 || probe.status === 403;
      this.#refused = true;
      this.#onStatus({ kind: 'refused', why: wrong ? TOKEN_IS_WRONG : REFUSED_OTHERWISE });
    } catch {
      // No answer: the server is lost, and does not refuse.
      this.#refused = false;
      this.#reason = null;
    }
  }
}

function why(code: number): string {
  switch (code) {
    case CLOSE_TOO_SLOW:
      return 'This page could not keep up, so the server let it go.';
    default:
      return 'The connection to the server is lost.';
  }
}
