/** The concurrency model of the server: what its threads and their states are called. */
import { type Hello, STATES, type StrategyInfo, type ThreadRow } from '../protocol.js';
import { FOLLOWER, stateNumber } from './states.js';

type Known = Pick<Hello, 'strategy' | 'groups' | 'roles' | 'names' | 'stateWords'>;

/** Until the server has said what it runs. */
const NOT_KNOWN: Known = {
  strategy: { name: '', title: '', summary: '', source: '', promotes: true, queue: null },
  groups: 1,
  roles: [],
  names: [],
  stateWords: {},
};

export class Model {
  readonly strategy: StrategyInfo;
  /** How many groups the threads are in. */
  readonly groups: number;
  readonly #roles: readonly string[];
  readonly #names: readonly string[];
  readonly #words: Readonly<Record<string, readonly string[]>>;

  constructor({ strategy, groups, roles, names, stateWords }: Known = NOT_KNOWN) {
    this.strategy = strategy;
    this.groups = groups;
    this.#roles = roles;
    this.#names = names;
    this.#words = stateWords;
  }

  /** Whether threads lead in turn, and promote each other. */
  get promotes(): boolean {
    return this.strategy.promotes;
  }

  /** A thread's name at the beginning of a line: its kind, and its number, with that of its group where there are several. */
  nameParts(thread: number): readonly [kind: string, number: string] {
    const [, kind = 'thread', number = String(thread), group] =
      /^(\S+) (\d+)(?: of group (\d+))?$/.exec(this.name(thread)) ?? [];
    return [capitalized(kind), group === undefined ? number : `${number} g${group}`];
  }

  /** A thread's name at the beginning of a line. */
  title(thread: number): string {
    return this.nameParts(thread).join(' ');
  }

  name(thread: number): string {
    return this.#names[thread] ?? `thread ${thread}`;
  }

  /** The word for a thread's state, in lower case. */
  word({ role, state }: Pick<ThreadRow, 'role' | 'state'>): string {
    return this.#words[role]?.[stateNumber(state)] ?? state;
  }

  /** The word for a state of a thread, by the state's number. */
  wordOf(thread: number, state: number): string {
    return this.#words[this.#roles[thread] ?? '']?.[state] ?? STATES[state] ?? '';
  }

  /** A letter for a state of a thread, because not everyone can distinguish the states by colour. */
  letterOf(thread: number, state: number): string {
    return this.wordOf(thread, state).charAt(0).toUpperCase() || '?';
  }

  /** All words for a state. A single thread waits for no other. */
  wordsFor(state: number): readonly string[] {
    if (state === FOLLOWER && !this.promotes && this.#roles.length === 1) return [];
    return [...new Set(this.#roles.map((_, thread) => this.wordOf(thread, state)))];
  }

  /** The role of the first thread, which alone has it in models where one thread waits for events; and the role of the others. */
  get roles(): readonly [first: string, others: string | null] {
    const [first = '', others] = new Set(this.#roles);
    return [first, others ?? null];
  }
}

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
