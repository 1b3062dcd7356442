/**
 * Limits the rate of a log: an app whose handlers all fail would otherwise log a line for each request, and the thread that
 * writes them would do nothing else. Entries of one kind (level, message, first line of the error) pass while they are few.
 * Beyond that they are counted, and once a period one entry stands for all of them, with the fields of the first one omitted.
 * Nothing is lost from the count: an entry stands for itself and for `more` others.
 *
 * Each thread has one in front of the control plane, and the control plane one in front of the logger.
 */
import type { Logger } from '../logger.js';

export type Level = keyof Logger;

export interface LogEntry {
  readonly level: Level;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** How many others of its kind it stands for as well. */
  readonly more: number;
}

export interface LogLimits {
  /** Entries of one kind that pass in a period. */
  readonly maxPerKind: number;
  /** Entries of all kinds that pass in a period. */
  readonly maxTotal: number;
  /** Kinds that are told apart; all others are one more kind for each level. */
  readonly maxKinds: number;
  readonly periodMs: number;
}

/** Where entries go. */
export interface LogSink {
  /** Whether it takes an entry now; an entry that it does not take is counted. */
  ready(): boolean;
  send(entry: LogEntry): void;
  /** Makes fields fit to be kept and sent. Called for an entry that is sent, now or later; not for one that is only counted. */
  prepare(fields: LogEntry['fields']): LogEntry['fields'];
}

/** Of an error's first line. */
const MAX_LINE_CHARACTERS = 120;

interface Kind {
  /** Entries that passed in this period. */
  passed: number;
  /** The first entry omitted, which stands for all of them. */
  omitted: LogEntry | null;
  /** How many were omitted, the first included. */
  count: number;
}

export class LogLimiter {
  readonly #sink: LogSink;
  readonly #limits: LogLimits;
  readonly #kinds = new Map<string, Kind>();
  /** Entries of all kinds that passed in this period. */
  #passed = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(sink: LogSink, limits: LogLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** @param more how many others the entry stands for as well */
  log(level: Level, message: string, fields: LogEntry['fields'], more = 0): void {
    const kind = this.#kindOf(level, message, fields.error);
    this.#timer ??= setTimeout(() => this.#endPeriod(), this.#limits.periodMs).unref();
    const { maxPerKind, maxTotal } = this.#limits;
    const few = kind.count === 0 && kind.passed < maxPerKind && this.#passed < maxTotal;
    if (few && this.#sink.ready()) {
      kind.passed++;
      this.#passed++;
      this.#sink.send({ level, message, fields: this.#sink.prepare(fields), more });
      return;
    }
    kind.omitted ??= { level, message, fields: this.#sink.prepare(fields), more: 0 };
    kind.count += 1 + more;
  }

  /** Sends what was counted, whether the sink is ready or not. */
  flush(): void {
    for (const kind of this.#kinds.values()) this.#sendOmitted(kind);
    this.#reset();
  }

  /** Sends what was counted, as far as the sink takes it, and begins the next period. */
  #endPeriod(): void {
    this.#timer = null;
    this.#passed = 0;
    for (const [name, kind] of this.#kinds) {
      kind.passed = 0;
      if (kind.count > 0 && this.#sink.ready()) this.#sendOmitted(kind);
      if (kind.count === 0) this.#kinds.delete(name);
    }
    // What the sink did not take is offered again.
    if (this.#kinds.size > 0) {
      this.#timer = setTimeout(() => this.#endPeriod(), this.#limits.periodMs).unref();
    }
  }

  #sendOmitted(kind: Kind): void {
    const { omitted, count } = kind;
    if (omitted === null) return;
    kind.omitted = null;
    kind.count = 0;
    this.#sink.send({ ...omitted, more: count - 1 });
  }

  #reset(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#kinds.clear();
    this.#passed = 0;
  }

  #kindOf(level: Level, message: string, error: unknown): Kind {
    const name = `${level} ${message} ${firstLine(error)}`;
    const known = this.#kinds.get(name);
    if (known !== undefined) return known;
    return this.#kinds.size < this.#limits.maxKinds ? this.#add(name) : this.#others(level);
  }

  /** The name is the level alone, as that of no other kind is. */
  #others(level: Level): Kind {
    return this.#kinds.get(level) ?? this.#add(level);
  }

  #add(name: string): Kind {
    const kind = { passed: 0, omitted: null, count: 0 };
    this.#kinds.set(name, kind);
    return kind;
  }
}

/**
 * Tells errors apart without their stacks, which cost much more. Anything can be thrown, also an object whose every getter
 * throws.
 */
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

/** The text of an entry. */
export function lineOf({ message, more }: LogEntry): string {
  return more === 0 ? message : `${message}, and ${more.toLocaleString('en-US')} more like it`;
}
