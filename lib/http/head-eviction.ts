/**
 * Evicts unfinished heads from the block pool before it is full of them.
 *
 *   0 ──────────────────────── TARGET ─── HIGH ─── size
 *       nothing happens           ◀─ evict ─┘  └─ a head for which no block is left is answered with 503
 *
 * A thread that saves input and finds the pool above HIGH evicts heads until it is at TARGET: each is answered with 408, as if timed
 * out. They are chosen so that the rest is shared fairly. The rank of a head is the number of blocks that its client's network has in
 * it and in the heads that began after it; the highest rank goes first. So a network that has more than the others loses its oldest
 * heads until it has as much as they do, and among equals the oldest go. Where all clients have one address, as behind a proxy, the
 * oldest heads go. Below HIGH there is no limit for any client.
 *
 * The shares are found by a scan of all records, instead of being counted as heads come and go: no count has to be repaired when a
 * thread dies, and below HIGH the cost is one load. A scan takes milliseconds, and there is one for each HIGH - TARGET of blocks that
 * clients fill. Records change during the scan, so a head that was chosen is entered like any other, and checked again.
 */

import type { Deferred, ThreadContext } from '../connection/event-handler.js';
import { HANDED_OVER } from '../connection/flags.js';
import { HEADS_REFUSED } from '../memory/counters.js';
import { BLOCK_BYTES, TICK } from '../memory/layout.js';
import {
  deadlineOf,
  hasFlag,
  networkOf,
  nextSaved,
  savedBlock,
  savedLength,
  storeDeadline,
} from '../set/handle-record.js';
import { IDLE, TIMED_OUT } from '../set/handle-table.js';
import { remoteAddress } from '../sys/socket.js';

/** Shares of the pool. The dashboard warns from 0.8 on, so it warns as long as heads are evicted. */
const HIGH = 7 / 8;
const TARGET = 13 / 16;

/** Connections that one call ends; the rest is deferred, so that the thread's other connections have their turn. */
const MAX_EVICTIONS_PER_DISPATCH = 32;

/** An unfinished head, as the scan found its record. */
interface Head {
  readonly fd: number;
  readonly generation: number;
  readonly network: number;
  readonly blocks: number;
  /** In ticks, which wrap; the later a head began, the later its deadline. */
  readonly deadline: number;
  /** The blocks of its network in it and in later heads. */
  rank: number;
}

export class HeadEviction implements Deferred {
  readonly #context: ThreadContext;
  readonly #high: number;
  readonly #target: number;
  /** Heads to be evicted, the first to go at the end. */
  #chosen: Head[] = [];
  #underWay = false;
  #evicted = 0;
  /** Of the first client evicted, whose network had the most blocks. */
  #address = '';

  constructor(context: ThreadContext) {
    this.#context = context;
    this.#high = Math.floor(context.pool.size * HIGH);
    this.#target = Math.floor(context.pool.size * TARGET);
  }

  /** Input has been saved. */
  saved(): void {
    const { defer, pool } = this.#context;
    if (this.#underWay || pool.inUse() <= this.#high) return;
    this.#underWay = true;
    this.#evicted = 0;
    this.#address = '';
    // This thread is inside a connection.
    defer(this);
  }

  /** No block was left for a head, which is going to be refused. @returns false, for the caller to return */
  refused(): false {
    const { counters, log } = this.#context;
    counters[HEADS_REFUSED]!++;
    log('warn', 'a request was refused with 503: the memory for unfinished heads is full');
    return false;
  }

  /** Continues the eviction. */
  proceed(): void {
    const { defer, pool } = this.#context;
    if (this.#chosen.length === 0) this.#chosen = this.#choose();
    const before = this.#evicted;
    while (this.#chosen.length > 0 && pool.inUse() > this.#target) {
      if (this.#evicted - before === MAX_EVICTIONS_PER_DISPATCH) {
        defer(this);
        return;
      }
      this.#evict(this.#chosen.pop()!);
    }
    this.#finish();
  }

  abort(): void {
    this.#finish();
  }

  #finish(): void {
    const { log, pool } = this.#context;
    this.#chosen = [];
    this.#underWay = false;
    if (this.#evicted === 0) return;
    log('warn', 'the oldest unfinished requests were refused with 408: the memory for them is nearly full', {
      refused: this.#evicted,
      address: this.#address,
      blocks: pool.inUse(),
      limit: pool.size,
    });
  }

  /** Chooses the heads to evict, the first to go at the end. */
  #choose(): Head[] {
    const heads = this.#scan();
    const networks = new Map<number, number>();
    heads.sort((one, other) => (other.deadline - one.deadline) | 0);
    for (const head of heads) {
      head.rank = (networks.get(head.network) ?? 0) + head.blocks;
      networks.set(head.network, head.rank);
    }
    // Stable, so among equals the latest stay first.
    heads.sort((one, other) => one.rank - other.rank);
    let excess = this.#context.pool.inUse() - this.#target;
    let from = heads.length;
    while (from > 0 && excess > 0) excess -= heads[--from]!.blocks;
    return heads.slice(from);
  }

  #scan(): Head[] {
    const { table } = this.#context;
    const heads: Head[] = [];
    const end = table.end();
    for (let fd = nextSaved(table, 0); fd < end; fd = nextSaved(table, fd + 1)) {
      // What is handed over is complete.
      if (table.state(fd) !== IDLE || hasFlag(table, fd, HANDED_OVER)) continue;
      heads.push({
        fd,
        generation: table.generation(fd),
        network: networkOf(table, fd),
        blocks: Math.ceil(savedLength(table, fd) / BLOCK_BYTES),
        deadline: deadlineOf(table, fd),
        rank: 0,
      });
    }
    return heads;
  }

  #evict({ fd, generation }: Head): void {
    const { control, counters, process, self, table } = this.#context;
    if (!table.enterIdle(fd, generation, self)) return;
    if (savedBlock(table, fd) !== 0) {
      storeDeadline(table, fd, Atomics.load(control, TICK) || -1);
      if (this.#evicted++ === 0) this.#address = remoteAddress(fd)?.address ?? '';
      counters[HEADS_REFUSED]!++;
    }
    // A head that has been completed meanwhile has another deadline, which has not passed: its connection is left as it is.
    process(fd, TIMED_OUT);
  }
}
