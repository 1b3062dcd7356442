/** A dashboard over a fake data plane, and the clients that a spec connects to it. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type LivePace, PACE } from '../../../lib/dashboard/live.js';
import type { MonitoredServer } from '../../../lib/dashboard/monitored-server.js';
import {
  type ClientMessage,
  type Detail,
  type Frame,
  type Hello,
  PROTOCOL,
  type ServerMessage,
  TOKEN_PREFIX,
} from '../../../lib/dashboard/protocol.js';
import { Dashboard } from '../../../lib/dashboard/server.js';
import type { LogFields, Logger } from '../../../lib/logger.js';
import { type Answer, Client } from '../server/http-client.js';
import { until, within } from '../server/wait.js';
import { FakeObserved, monitoredServerOf } from './fake-observed.js';

interface TestDashboardOptions {
  readonly host?: string;
  readonly pace?: Partial<LivePace>;
  readonly monitored?: Partial<MonitoredServer>;
  readonly observed?: FakeObserved;
  /** Whether to stay in the stage before serve(). */
  readonly starting?: boolean;
  readonly token?: string;
  readonly readyWhenDegraded?: boolean;
}

export class TestDashboard implements AsyncDisposable {
  readonly #clients: (Client | DashboardClient)[] = [];

  private constructor(
    readonly server: Dashboard,
    readonly observed: FakeObserved,
    readonly monitored: MonitoredServer,
    readonly log: readonly string[],
  ) {}

  static async start({
    host = '127.0.0.1',
    pace,
    monitored,
    starting,
    observed = new FakeObserved(),
    ...settings
  }: TestDashboardOptions = {}): Promise<TestDashboard> {
    const log: string[] = [];
    const whole = monitoredServerOf(observed, monitored);
    const dashboard = await Dashboard.listen({ host, port: 0, ...settings }, recorder(log), {
      ...PACE,
      ...pace,
    });
    if (starting !== true) dashboard.serve(whole);
    return new TestDashboard(dashboard, observed, whole, log);
  }

  get host(): string {
    return new URL(this.server.url).host;
  }

  get origin(): string {
    return `http://${this.host}`;
  }

  get token(): string {
    return new URL(this.server.url).hash.slice(1);
  }

  /** A connection with access to the bytes on the wire. */
  async connect(): Promise<Client> {
    const client = await Client.connect({ host: '127.0.0.1', port: this.server.port });
    this.#clients.push(client);
    return client;
  }

  /** One request on a connection of its own. `fields` are lines; a Host field is added if they have none. */
  async ask(method: string, path: string, fields = ''): Promise<Answer> {
    const client = await this.connect();
    const host = /^host:/im.test(fields) ? '' : `host: ${this.host}\r\n`;
    void client.send(`${method} ${path} HTTP/1.1\r\n${host}${fields}\r\n`);
    const answer = await client.answer({ toHead: method === 'HEAD' });
    await client.close();
    return answer;
  }

  get(path: string, fields = ''): Promise<Answer> {
    return this.ask('GET', path, fields);
  }

  /** A connected client of the websocket. */
  async openClient(): Promise<DashboardClient> {
    const client = new DashboardClient(this.origin, this.token);
    this.#clients.push(client);
    await client.opened();
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.server.close();
  }
}

/** A client of the websocket, with all messages that it has received. */
export class DashboardClient {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  /** Resolves with the code with which the websocket was closed. */
  readonly closed: Promise<number>;

  constructor(origin: string, token: string) {
    this.socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, [PROTOCOL, TOKEN_PREFIX + token], {
      origin,
    });
    this.socket.on('message', (data) => this.messages.push(JSON.parse(String(data)) as ServerMessage));
    this.closed = once(this.socket, 'close').then(([code]) => code as number);
  }

  opened(): Promise<unknown> {
    return within('the websocket opens', once(this.socket, 'open'));
  }

  send(message: ClientMessage | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  get hello(): Hello {
    return this.messages[0] as Hello;
  }

  get frames(): Frame[] {
    return this.messages.filter((message) => message.type === 'frame');
  }

  get details(): Detail[] {
    return this.messages.filter((message) => message.type === 'detail');
  }

  /** The first frame from now on for which `condition` holds. */
  async frame(what: string, condition: (frame: Frame) => boolean = () => true): Promise<Frame> {
    const before = this.frames.length;
    const found = (): Frame | undefined => this.frames.slice(before).find(condition);
    await until(`a frame has ${what}`, () => found() !== undefined);
    return found()!;
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.terminate();
    await this.closed;
  }
}

function recorder(log: string[]): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}): void => {
      log.push(`${level}: ${message} ${String(fields.error ?? '')}`);
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
