/**
 * A comparison: the servers, the process that sends their load, and the figures of both. Everything of it ends with end(), or with this
 * process however that ends.
 *
 *   servers (one process each) ◀── requests ── load process
 *      │ frames, /proc                            │ reports
 *      └──────────────▶ Comparison ◀──────────────┘
 *                           │ figures, answers
 *                      the page, or the table
 */
import { availableParallelism, cpus } from 'node:os';
import type { Frame, Hello, ServerMessage } from '../dashboard/protocol.js';
import { DESCRIPTIONS } from '../strategies/descriptions.js';
import { version } from '../version.js';
import { Children } from './children.js';
import { Feed } from './feed.js';
import { type Counted, drawn, FiguresWindow } from './figures.js';
import { LoadSender } from './load.js';
import type { LoadReport } from './load-messages.js';
import { type Busy, MachineMeter } from './machine.js';
import type { Mix } from './mixes.js';
import { useOf } from './process-use.js';
import type { AnswersMessage, CompareHello, FiguresMessage, LoadState, Model } from './protocol.js';
import type { Load } from './schedule.js';
import { type ServerPlan, type StartedServer, startServer } from './server-process.js';
import { targetOf } from './target.js';

/** The figures are computed with every second report. */
const REPORTS_FOR_FIGURES = 2;
/** Answers of one report that a page draws, of each server. */
const MAX_DRAWN = 250;

export interface ComparisonPlan {
  readonly servers: readonly ServerPlan[];
  /** Undefined for the demo app. */
  readonly app: string | undefined;
  readonly mixes: readonly Mix[];
  readonly load: LoadState;
  /** How far back the figures reach, in milliseconds; Infinity for all of a load. */
  readonly windowMs: number;
}

/** A server, with what its dashboard has told. */
class Compared {
  readonly server: StartedServer;
  hello: Hello | null = null;
  hasEnded = false;
  /** Resolves once its dashboard has said what it is of, or its process has ended. */
  readonly introduced: Promise<void>;
  #introduce: () => void = () => {};
  #counted: Counted | null = null;

  constructor(server: StartedServer) {
    this.server = server;
    this.introduced = new Promise((resolve) => {
      this.#introduce = resolve;
    });
    void server.ended.then(() => {
      this.hasEnded = true;
      this.#introduce();
    });
  }

  take(message: ServerMessage): void {
    if (message.type === 'hello') {
      this.hello = message;
      this.#introduce();
    } else if (message.type === 'frame') this.#takeFrame(message);
  }

  #takeFrame({ threads, waiting, point }: Frame): void {
    const count = (name: string): number =>
      threads.reduce((sum, { counters }) => sum + (counters[name] ?? 0), 0);
    const waitingPeak = Math.max(waiting, this.#counted?.waitingPeak ?? 0);
    this.#counted = {
      requests: count('requests'),
      wakeUps: count('wakeUps'),
      waiting,
      waitingPeak,
      queueMs: point.queueMs?.p99 ?? null,
    };
  }

  takeCounted(): Counted | null {
    const counted = this.#counted;
    if (counted !== null) this.#counted = { ...counted, waitingPeak: 0 };
    return counted;
  }
}

export class Comparison {
  readonly #plan: ComparisonPlan;
  readonly #children: Children;
  readonly #compared: readonly Compared[];
  readonly #feeds: readonly Feed[];
  readonly #sender: LoadSender;
  readonly #window: FiguresWindow;
  readonly #machine: MachineMeter;
  readonly #listeners = new Set<(message: FiguresMessage | AnswersMessage) => void>();
  #load: LoadState;
  #busy: Busy = { all: 0, own: 0 };
  #reports = 0;

  private constructor(plan: ComparisonPlan, children: Children, servers: readonly StartedServer[]) {
    this.#plan = plan;
    this.#children = children;
    this.#load = { ...plan.load, running: false };
    this.#window = new FiguresWindow(plan.windowMs);
    this.#compared = servers.map((server) => new Compared(server));
    this.#feeds = this.#compared.map(
      (one) => new Feed(one.server.dashboard, (text) => one.take(JSON.parse(text) as ServerMessage)),
    );
    const targets = servers.map(({ url }) => targetOf(url));
    this.#sender = new LoadSender(children, targets, (report) => this.#take(report));
    const pids = [process.pid, this.#sender.pid, ...servers.map(({ pid }) => pid)];
    this.#machine = new MachineMeter(pids);
  }

  /**
   * Starts all servers, one after the other, so that none loads the app on cores that another one uses.
   *
   * @param main the module of the command that serves; it ends with this process
   * @param say gets lines for the user
   * @throws PacelineError `PACELINE_STATE` when one of them does not start
   */
  static async start(plan: ComparisonPlan, main: URL, say: (line: string) => void): Promise<Comparison> {
    const children = new Children();
    try {
      const servers: StartedServer[] = [];
      for (const server of plan.servers)
        servers.push(await startServer({ children, main, app: plan.app, say }, server));
      const comparison = new Comparison(plan, children, servers);
      await Promise.all(comparison.#compared.map(({ introduced }) => introduced));
      return comparison;
    } catch (error) {
      await children.end();
      throw error;
    }
  }

  get load(): LoadState {
    return this.#load;
  }

  get mixes(): readonly Mix[] {
    return this.#plan.mixes;
  }

  get models(): Model[] {
    return this.#compared.map(({ server: { plan, url, dashboard }, hello }) => {
      const { name, strategy } = plan;
      const { title: ofAll, summary, source } = DESCRIPTIONS[strategy];
      // With what distinguishes it from another one of the same strategy, as its name has it.
      const title = `${ofAll}${name.slice(strategy.length)}`;
      return { name, strategy, title, summary, source, threads: hello?.threads ?? 0, url, dashboard };
    });
  }

  hello(): CompareHello {
    return {
      type: 'hello',
      version: version(),
      node: process.version,
      processor: cpus()[0]?.model ?? '',
      cores: availableParallelism(),
      app: this.#compared[0]!.hello?.app ?? '',
      models: this.models,
      mixes: this.#plan.mixes,
    };
  }

  /** Changes the load. The figures begin again; those of a load that is only stopped stay, to be read. */
  set(change: Partial<LoadState>): void {
    const { mix, rate, turns } = this.#load;
    this.#load = { ...this.#load, ...change };
    const { load } = this;
    const isSame = load.mix === mix && load.rate === rate && load.turns === turns;
    if (load.running || !isSame) this.#window.clear();
    this.#sender.set(this.#load.running ? this.#sent : null);
    this.#tell(this.figures());
  }

  get #sent(): Load {
    const { mix, rate, turns } = this.#load;
    return { mix: this.#plan.mixes.find(({ name }) => name === mix)!, rate, turns };
  }

  /** @returns a function that ends it */
  listen(listener: (message: FiguresMessage | AnswersMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A websocket of its own to a server's dashboard. */
  feed(server: number, onMessage: (text: string) => void): Feed {
    return new Feed(this.#compared[server]!.server.dashboard, onMessage);
  }

  /** Resolves with a sentence when a process ends that was not told to. */
  async brokenBy(): Promise<string> {
    const why = await Promise.race([this.#sender.ended, ...this.#compared.map(({ server }) => server.ended)]);
    // Whose process it is is to be seen.
    this.#tell(this.figures());
    return why;
  }

  #take(report: LoadReport): void {
    this.#window.add({
      report,
      uses: this.#compared.map(({ server }) => useOf(server.pid)),
      counted: this.#compared.map((one) => one.takeCounted()),
    });
    this.#tell({ type: 'answers', answers: report.servers.map((server) => drawn(server, MAX_DRAWN)) });
    if (++this.#reports % REPORTS_FOR_FIGURES !== 0) return;
    this.#busy = this.#machine.take();
    this.#tell(this.figures());
  }

  #tell(message: FiguresMessage | AnswersMessage): void {
    for (const listener of this.#listeners) listener(message);
  }

  figures(): FiguresMessage {
    const { overMs, ownLate } = this.#window;
    const figures = this.#compared.map(({ hasEnded }, index) =>
      hasEnded ? null : this.#window.of(index, this.#sent),
    );
    return { type: 'figures', load: this.#load, overMs, busy: this.#busy, ownLate, figures };
  }

  /** Ends all processes. */
  async end(): Promise<void> {
    for (const feed of this.#feeds) feed[Symbol.dispose]();
    await this.#children.end();
  }
}
