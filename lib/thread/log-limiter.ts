/**
 * Bounds what is logged: an app whose handlers all fail would otherwise say so for each request, and whoever writes that down
 * would do nothing else. Messages of one kind (level, message, first line of the error) are passed on whole while they are
 * few; what is beyond is counted, and told once a period in one line that has the fields of the first one left out. Nothing
 * is lost from the count: an entry stands for itself and for `more` others.
 *
 * Each thread has one in front of the control plane, and the control plane one in front of the logger.
 */
import type { Logger } from '../logger.js';

export type Level = keyof Logger;

export interface LogEntry {
  readonly level: Level;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** How many others of its kind it stands for. */
  readonly more: number;
}

export interface LogLimits {
  /** Entries of one kind that are passed on whole in a period. */
  readonly ofKind: number;
  /** The same, of all kinds. */
  readonly ofAll: number;
  /** Kinds that are told apart; what is of none of them counts as one more kind for each level. */
  readonly kinds: number;
  /** Milliseconds. */
  readonly periodMs: number;
}

/** Where entries go. */
export interface LogSink {
  /** Whether it takes one now; what it does not take is counted. */
  ready(): boolean;
  send(entry: LogEntry): void;
  /**
   * Makes fields fit to be kept, and to be sent: called for an entry that is sent, now or later, and never for one that is only
   * counted.
   */
  prepare(fields: LogEntry['fields']): LogEntry['fields'];
}

/** Of an error's first line. */
const MAX_LINE_CHARACTERS = 120;

interface Kind {
  /** Passed on whole in this period. */
  whole: number;
  /** The first one left out, and how many it stands for. */
  omitted: LogEntry | null;
  /** How many were left out, the first included. */
  count: number;
}

export class LogLimiter {
  readonly #sink: LogSink;
  readonly #limits: LogLimits;
  readonly #kinds = new Map<string, Kind>();
  /** Passed on whole in this period, of all kinds. */
  #whole = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(sink: LogSink, limits: LogLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** @param more how many others the entry stands for already */
  log(level: Level, message: string, fields: LogEntry['fields'], more = 0): void {
    const kind = this.#kindOf(level, message, fields.error);
    this.#timer ??= setTimeout(() => this.#periodEnds(), this.#limits.periodMs).unref();
    const { ofKind, ofAll } = this.#limits;
    const few = kind.count === 0 && kind.whole < ofKind && this.#whole < ofAll;
    if (few && this.#sink.ready()) {
      kind.whole++;
      this.#whole++;
      this.#sink.send({ level, message, fields: this.#sink.prepare(fields), more });
      return;
    }
    kind.omitted ??= { level, message, fields: this.#sink.prepare(fields), more: 0 };
    kind.count += 1 + more;
  }

  /** Tells what was counted now, whether the sink is ready or not: the last that is heard. */
  flush(): void {
    for (const kind of this.#kinds.values()) this.#tell(kind);
    this.#forget();
  }

  /** Tells what was counted, as far as the sink takes it, and begins the next period. */
  #periodEnds(): void {
    this.#timer = null;
    this.#whole = 0;
    for (const [name, kind] of this.#kinds) {
      kind.whole = 0;
      if (kind.count > 0 && this.#sink.ready()) this.#tell(kind);
      if (kind.count === 0) this.#kinds.delete(name);
    }
    // What the sink did not take, it is offered again.
    if (this.#kinds.size > 0) {
      this.#timer = setTimeout(() => this.#periodEnds(), this.#limits.periodMs).unref();
    }
  }

  #tell(kind: Kind): void {
    const { omitted, count } = kind;
    if (omitted === null) return;
    kind.omitted = null;
    kind.count = 0;
    this.#sink.send({ ...omitted, more: count - 1 });
  }

  #forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#kinds.clear();
    this.#whole = 0;
  }

  #kindOf(level: Level, message: string, error: unknown): Kind {
    const name = `${level} ${message} ${firstLine(error)}`;
    const known = this.#kinds.get(name);
    if (known !== undefined) return known;
    return this.#kinds.size < this.#limits.kinds ? this.#add(name) : this.#others(level);
  }

  /** No other name is a level alone. */
  #others(level: Level): Kind {
    return this.#kinds.get(level) ?? this.#add(level);
  }

  #add(name: string): Kind {
    const kind = { whole: 0, omitted: null, count: 0 };
    this.#kinds.set(name, kind);
    return kind;
  }
}

/** What tells errors apart, without their stacks, which cost much more. Anything can be thrown, also what answers no question. */
function firstLine(error: unknown): string {
  try {
    if (error === undefined || error === null) return '';
    const text = typeof error === 'object' ? (error as { message?: unknown }).message : error;
    if (typeof text !== 'string') return typeof text;
    const line = text.slice(0, MAX_LINE_CHARACTERS);
    const end = line.indexOf('\n');
    return end < 0 ? line : line.slice(0, end);
  } catch {
    return 'unreadable';
  }
}

/** How an entry reads. */
export function lineOf({ message, more }: LogEntry): string {
  return more === 0 ? message : `${message}, and ${more.toLocaleString('en-US')} more like it`;
}
