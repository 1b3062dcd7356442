/**
 * The websocket's clients after the upgrade: each gets a hello, then all get the same frames, made and serialized once. No
 * frames are made while there is no client. A client that breaks the rules loses its own connection only:
 *
 * - a message that protocol.ts does not define, or too many messages: CLOSE_BAD_MESSAGE
 * - too slow for its frames, or a ping unanswered: dropped, and counted
 */
import { type RawData, WebSocket } from 'ws';
import type { Logger } from '../logger.js';
import { detailOf, frameOf } from './frames.js';
import { guardedInterval } from './guarded-interval.js';
import { LaneFeed } from './lane-feed.js';
import type { Loads } from './loads.js';
import type { MonitoredServer } from './monitored-server.js';
import {
  CLOSE_BAD_MESSAGE,
  CLOSE_SERVER_STOPS,
  CLOSE_TOO_SLOW,
  type ClientMessage,
  type Death,
  type Hello,
  LOADS,
} from './protocol.js';
import type { Sample, Sampler } from './sampler.js';

/** Tunable, so that specs need not fill the kernel's buffers with seconds of frames. */
export interface LivePace {
  /** Between two frames. */
  readonly intervalMs: number;
  /** A client with more than this unsent gets no further frame, */
  readonly slowBytes: number;
  /** and is dropped when that lasts this long. */
  readonly slowMs: number;
  /** Between two pings; a client that has not answered one by the next is dropped. */
  readonly pingMs: number;
}

export const PACE: LivePace = { intervalMs: 100, slowBytes: 1024 * 1024, slowMs: 3000, pingMs: 10_000 };

/** From one client between two frames. A repeating key sends three. */
const MAX_MESSAGES = 20;
/** How long a client has to answer the closing handshake. */
const CLOSE_MS = 1000;

interface Client {
  readonly socket: WebSocket;
  selected: number;
  messages: number;
  /** Since when it is slow; 0 if it is not. */
  slowSince: number;
  answeredPing: boolean;
}

/** The fields that are the same in every hello. */
export type HelloFields = Omit<Hello, 'history' | 'transitions' | 'marks' | 'deaths'>;

export class Live {
  readonly #monitored: MonitoredServer;
  readonly #helloFields: HelloFields;
  readonly #sampler: Sampler;
  readonly #loads: Loads | null;
  readonly #pace: LivePace;
  readonly #logger: Logger;
  readonly #deaths: readonly Death[];
  readonly #clients = new Set<Client>();
  /** Null while there is no client. */
  #lanes: LaneFeed | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pinged = 0;
  #seq = 0;
  #dropped = 0;

  constructor(
    monitored: MonitoredServer,
    parts: {
      helloFields: HelloFields;
      sampler: Sampler;
      loads: Loads | null;
      deaths: readonly Death[];
      pace: LivePace;
      logger: Logger;
    },
  ) {
    this.#monitored = monitored;
    this.#helloFields = parts.helloFields;
    this.#sampler = parts.sampler;
    this.#loads = parts.loads;
    this.#deaths = parts.deaths;
    this.#pace = parts.pace;
    this.#logger = parts.logger;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** How many clients were too slow, or did not answer a ping. */
  get dropped(): number {
    return this.#dropped;
  }

  add(socket: WebSocket): void {
    const client: Client = { socket, selected: -1, messages: 0, slowSince: 0, answeredPing: true };
    this.#clients.add(client);
    socket.on('message', (data, isBinary) => this.#message(client, data, isBinary));
    socket.on('pong', () => {
      client.answeredPing = true;
    });
    socket.on('close', () => this.#remove(client));
    // ws reports what it has closed itself: invalid frames, and messages over the size limit. Nothing is left to do.
    socket.on('error', () => {});
    const lanes = this.#start();
    const hello: Hello = { ...this.#helloFields, history: this.#sampler.history, ...lanes.past() };
    socket.send(JSON.stringify(hello));
  }

  /** Closes the websockets of all clients. */
  close(): void {
    for (const { socket } of this.#clients) end(socket, CLOSE_SERVER_STOPS, 'the server stops');
    this.#stop();
  }

  #start(): LaneFeed {
    if (this.#lanes !== null) return this.#lanes;
    const lanes = new LaneFeed(this.#monitored.observed, this.#deaths);
    this.#lanes = lanes;
    this.#pinged = performance.now();
    this.#timer = guardedInterval(this.#logger, () => this.#tick(lanes), this.#pace.intervalMs);
    return lanes;
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#lanes = null;
  }

  #remove(client: Client): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#stop();
  }

  #tick(lanes: LaneFeed): void {
    const sample = this.#sampler.sample();
    const frame = frameOf(sample, lanes.nextBatch(), {
      seq: this.#seq++,
      deaths: lanes.nextDeaths(),
      load: this.#loads?.state() ?? { fast: 0, blocking: 0, cpu: 0 },
      dashboard: { clients: this.#clients.size, droppedClients: this.#dropped },
    });
    const text = JSON.stringify(frame);
    const now = performance.now();
    for (const client of [...this.#clients]) this.#send(client, text, { sample, lanes, now });
    if (now - this.#pinged > this.#pace.pingMs) this.#ping(now);
  }

  #send(
    client: Client,
    text: string,
    { sample, lanes, now }: { sample: Sample; lanes: LaneFeed; now: number },
  ): void {
    const { socket, selected } = client;
    client.messages = 0;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > this.#pace.slowBytes) {
      client.slowSince ||= now;
      if (now - client.slowSince >= this.#pace.slowMs) this.#drop(client);
      return;
    }
    client.slowSince = 0;
    socket.send(text);
    const thread = sample.observation.threads[selected];
    if (thread !== undefined) socket.send(JSON.stringify(detailOf(thread, lanes.recentOf(selected))));
  }

  #ping(now: number): void {
    this.#pinged = now;
    for (const client of [...this.#clients]) {
      if (!client.answeredPing) this.#drop(client);
      else if (client.socket.readyState === WebSocket.OPEN) client.socket.ping();
      client.answeredPing = false;
    }
  }

  #drop(client: Client): void {
    this.#dropped++;
    end(client.socket, CLOSE_TOO_SLOW, 'too slow');
    this.#remove(client);
  }

  #message(client: Client, data: RawData, isBinary: boolean): void {
    const violation = isBinary ? 'a binary message' : this.#apply(client, String(data));
    if (violation !== null) end(client.socket, CLOSE_BAD_MESSAGE, violation);
  }

  /** @returns what is wrong with the message, null if it is valid */
  #apply(client: Client, text: string): string | null {
    const message = clientMessage(text, this.#helloFields.threads);
    if (message === null) return 'not a message of this protocol';
    if (++client.messages > MAX_MESSAGES) return 'too many messages';
    if (message.type === 'watch') client.selected = message.thread;
    else if (this.#loads === null) return 'load is for the demo app only';
    else this.#loads.set(message.kind, message.on);
    return null;
  }
}

/** Closes with a code that tells the client why; a client that does not answer is disconnected. */
function end(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  setTimeout(() => socket.terminate(), CLOSE_MS).unref();
}

/** Parses and validates a message; null if it is invalid. */
function clientMessage(text: string, threads: number): ClientMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { type, thread, kind, on } = value as Record<string, unknown>;
  if (type === 'watch') {
    const known = typeof thread === 'number' && Number.isInteger(thread) && thread >= -1 && thread < threads;
    return known ? { type, thread } : null;
  }
  const load = LOADS.find((one) => one === kind);
  return type === 'load' && load !== undefined && typeof on === 'boolean' ? { type, kind: load, on } : null;
}
