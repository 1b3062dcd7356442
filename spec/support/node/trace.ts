/** What happened on the server's side of a case, in order, as lines of text; a case's client waits for lines. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

interface Waiter {
  readonly line: string;
  readonly times: number;
  readonly resolve: () => void;
}

/** An error without its stack and its address. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return `${error.name}${code === undefined ? '' : ` ${code}`}: ${error.message}`;
}

/** What `run` returns or throws, on one line. */
export function attempt(run: () => unknown): string {
  try {
    const result = run();
    return typeof result === 'object' ? 'returned' : `returned ${String(result)}`;
  } catch (error) {
    return `threw ${describe(error)}`;
  }
}

function set(flags: Readonly<Record<string, boolean>>): string {
  const names = Object.keys(flags).filter((name) => flags[name]);
  return names.length === 0 ? '-' : names.join(' ');
}

/** The public state of the two objects. */
export function flagsOf(req: IncomingMessage, res: ServerResponse): string {
  const { aborted, complete, destroyed, readableEnded } = req;
  const { headersSent, finished, writableEnded, writableFinished, closed } = res;
  const ofReq = set({ aborted, complete, destroyed, closed: req.closed, readableEnded });
  const ofRes = { headersSent, finished, writableEnded, writableFinished, destroyed: res.destroyed, closed };
  return `[${ofReq} | ${set(ofRes)}]`;
}

export class Trace {
  readonly lines: string[] = [];
  #waiters: Waiter[] = [];
  #recording = true;

  log = (line: string): void => {
    if (!this.#recording) return;
    this.lines.push(line);
    this.#wake();
  };

  /** Content that came: how it is cut into pieces depends on the network, so what follows upon each other is one line. */
  data(who: string, chunk: string | Uint8Array): void {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    const prefix = `${who} data `;
    const last = this.lines.at(-1);
    if (last?.startsWith(prefix) && this.#recording) {
      this.lines[this.lines.length - 1] = last + text;
      this.#wake();
    } else {
      this.log(prefix + text);
    }
  }

  /** Logs `events` of `emitter`, and what `state` says at each. */
  watch(who: string, emitter: EventEmitter, events: readonly string[], state = (): string => ''): void {
    for (const event of events) {
      emitter.on(event, (argument: unknown) => {
        const detail = argument instanceof Error ? ` ${describe(argument)}` : '';
        this.log(`${who} ${event}${detail}${state()}`);
      });
    }
  }

  /** Logs the events that end the two, without their flags. */
  ends(req: IncomingMessage, res: ServerResponse): void {
    this.watch('req', req, ['aborted', 'end', 'error', 'close']);
    this.watch('res', res, ['finish', 'error', 'close']);
  }

  /** The same with the flags at each event. */
  flags(req: IncomingMessage, res: ServerResponse): void {
    const state = (): string => ` ${flagsOf(req, res)}`;
    this.watch('req', req, ['aborted', 'end', 'error', 'close'], state);
    this.watch('res', res, ['finish', 'error', 'close'], state);
  }

  /** Resolves once `line` has been logged (as a whole or with something behind it) for the `times`-th time. */
  until(line: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ line, times, resolve });
      this.#wake();
    });
  }

  /** The case is over: what a connection that is torn down now still says belongs to no case. */
  stop(): void {
    this.#recording = false;
  }

  #wake(): void {
    const due = this.#waiters.filter(({ line, times }) => this.#count(line) >= times);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const { resolve } of due) resolve();
  }

  #count(line: string): number {
    return this.lines.filter((each) => each === line || each.startsWith(line)).length;
  }
}
